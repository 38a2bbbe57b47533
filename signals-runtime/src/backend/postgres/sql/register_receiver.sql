-- A new receiver, or the name it was last registered under. Under the registry's lock.
INSERT INTO signals.receiver (id, name, type) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name
