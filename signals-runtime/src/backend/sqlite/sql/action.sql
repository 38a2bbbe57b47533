-- A line of the log of actions: as of ?1, by ?2, verb ?3, subject ?4, ?5 deliveries. Under the write lock; appends.
INSERT INTO signals_action (at, actor, verb, subject, count) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id
