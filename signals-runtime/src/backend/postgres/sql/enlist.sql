-- Takes the incarnation $2 for process $4 on $3, build $5, lanes $6, or inserts nothing when it was taken before. $1: the
-- time, or NULL for the server's. Durable.
INSERT INTO signals.worker (incarnation, host, pid, build, lanes, started, seen)
SELECT $2, $3, $4, $5, $6, m.now, m.now
FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now) AS m
ON CONFLICT (incarnation) DO NOTHING
