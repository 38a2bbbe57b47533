-- A new receiver, or the name it was last registered under. Under the write lock.
INSERT INTO signals_receiver (id, name, type) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET name = excluded.name
