-- Retires receiver $1. Under the registry's lock; by primary key.
UPDATE signals.receiver SET retired = true WHERE id = $1
