-- Two identities were one signal: the names of $1 go to $2. Under the registry's lock.
UPDATE signals.signal_name SET type = $2 WHERE type = $1
