-- A name of a signal. Under the write lock.
INSERT INTO signals_signal_name (name, type) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET type = excluded.type
