-- Retires receiver ?1. Under the write lock; by primary key.
UPDATE signals_receiver SET retired = 1 WHERE id = ?1
