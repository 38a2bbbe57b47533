-- A new identity of a signal, or its new name. Under the write lock.
INSERT INTO signals_signal_type (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET name = excluded.name
