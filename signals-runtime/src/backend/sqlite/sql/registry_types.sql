-- The identities of all signals. Small.
SELECT id, name FROM signals_signal_type
