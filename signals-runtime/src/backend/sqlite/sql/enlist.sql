-- Takes the incarnation ?1, or inserts nothing when it was taken before. Under the write lock, durable.
INSERT INTO signals_worker (incarnation, host, pid, build, lanes, started, seen)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT (incarnation) DO NOTHING
