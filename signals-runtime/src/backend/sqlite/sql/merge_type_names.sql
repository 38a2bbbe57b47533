-- Two identities were one signal: the names of ?1 go to ?2. Under the write lock.
UPDATE signals_signal_name SET type = ?2 WHERE type = ?1
