-- Two identities were one signal: ?1 is gone. Under the write lock.
DELETE FROM signals_signal_type WHERE id = ?1
