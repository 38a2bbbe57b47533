-- Two identities were one signal: $1 is gone. Under the registry's lock.
DELETE FROM signals.signal_type WHERE id = $1
