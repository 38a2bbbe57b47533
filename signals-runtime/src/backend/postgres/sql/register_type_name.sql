-- A name of a signal. Under the registry's lock.
INSERT INTO signals.signal_name (name, type) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET type = excluded.type
