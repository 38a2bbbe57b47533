-- The identities of all signals. Small.
SELECT id, name FROM signals.signal_type
