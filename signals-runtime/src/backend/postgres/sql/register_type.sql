-- A new identity of a signal, or its new name. Under the registry's lock.
INSERT INTO signals.signal_type (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name
