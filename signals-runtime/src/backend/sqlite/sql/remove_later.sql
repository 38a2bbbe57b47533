-- T10: takes away the waiting delivery of signal ?1 for receiver ?2. Under the write lock, after settle_later.
DELETE FROM signals_later WHERE signal = ?1 AND receiver = ?2
