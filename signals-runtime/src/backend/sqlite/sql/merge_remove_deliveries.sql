-- I15: takes away what merge_cancel settled of receiver ?1. Under the write lock.
DELETE FROM signals_delivery
WHERE receiver = ?1 AND signal IN (SELECT signal FROM signals_settled WHERE receiver = ?1)
