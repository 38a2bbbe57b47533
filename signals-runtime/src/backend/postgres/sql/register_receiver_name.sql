-- A name of a receiver. Under the registry's lock.
INSERT INTO signals.receiver_name (name, receiver) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET receiver = excluded.receiver
