-- I15: what waits for receiver ?1 goes to ?2. Under the write lock; by index.
UPDATE signals_later SET receiver = ?2 WHERE receiver = ?1
