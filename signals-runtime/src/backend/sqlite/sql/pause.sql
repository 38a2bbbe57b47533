-- Stops or resumes claims. By primary key.
UPDATE signals_receiver SET paused = ?2 WHERE id = ?1
