-- A name of a receiver. Under the write lock.
INSERT INTO signals_receiver_name (name, receiver) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET receiver = excluded.receiver
