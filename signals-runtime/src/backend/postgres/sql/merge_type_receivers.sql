-- Two identities were one signal: the receivers of $1 go to $2. Under the registry's lock; by index.
UPDATE signals.receiver SET type = $2 WHERE type = $1
