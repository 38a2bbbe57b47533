-- T11: takes away the settled delivery of signal ?1 for receiver ?2. Under the write lock, after retry.
DELETE FROM signals_settled WHERE signal = ?1 AND receiver = ?2
