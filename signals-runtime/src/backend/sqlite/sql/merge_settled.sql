-- I15: settled deliveries of receiver ?1 go to ?2, but for signals that ?2 has too. Under the write lock; by index.
UPDATE signals_settled SET receiver = ?2
WHERE receiver = ?1
  AND signal NOT IN (
    SELECT signal FROM signals_delivery WHERE receiver = ?2
    UNION ALL SELECT signal FROM signals_later WHERE receiver = ?2
    UNION ALL SELECT signal FROM signals_settled WHERE receiver = ?2)
