-- T10: the row of a ready or running delivery of signal ?1 for receiver ?2. Under the write lock; scans the receiver's
-- lanes by primary key.
SELECT version, id, life, token FROM signals_delivery WHERE receiver = ?2 AND signal = ?1
