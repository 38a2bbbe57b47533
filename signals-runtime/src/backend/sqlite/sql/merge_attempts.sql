-- I15: the history of what went from receiver ?1 to ?2. Under the write lock; scans the attempts.
UPDATE signals_attempt SET receiver = ?2
WHERE receiver = ?1 AND signal NOT IN (SELECT signal FROM signals_settled WHERE receiver = ?1)
