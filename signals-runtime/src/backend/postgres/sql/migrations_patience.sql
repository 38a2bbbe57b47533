-- How long one statement of a migration waits for a lock, in the transaction that migrates: whoever comes after it waits as
-- long, senders and workers too. Under the migrators' lock.
SET LOCAL lock_timeout TO '2s'
