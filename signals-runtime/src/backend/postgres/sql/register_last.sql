-- The highest ids used by now: of signals' identities at least $1, of receivers at least $2. Under the lock on the row.
UPDATE signals.registry SET last_type = greatest(last_type, $1), last_receiver = greatest(last_receiver, $2)
