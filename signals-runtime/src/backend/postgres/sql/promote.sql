-- Moves what is due, at most $2, to the end of its lane under fresh ids, and says how many and when the next is due.
-- $1: the time, or NULL for the server's. Locks what it moves, past what others hold; by the index on due times, then by
-- ctid.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
due AS MATERIALIZED (
    SELECT l.ctid AS tid
    FROM signals.later AS l
    WHERE l.due_at <= (SELECT m.now FROM moment AS m)
    ORDER BY l.due_at
    LIMIT $2::bigint
    FOR UPDATE OF l SKIP LOCKED
),
gone AS (
    DELETE FROM signals.later AS l
    WHERE l.ctid = ANY (ARRAY(SELECT d.tid FROM due AS d))
    RETURNING l.receiver, l.version, l.signal, l.life, l.attempt, l.lost_leases, l.refunds, l.actor, l.due_at
),
moved AS (
    INSERT INTO signals.delivery (receiver, version, signal, life, attempt, lost_leases, refunds, actor, due_at)
    SELECT g.receiver, g.version, g.signal, g.life, g.attempt, g.lost_leases, g.refunds, g.actor, g.due_at
    FROM gone AS g
    ORDER BY g.due_at, g.signal, g.receiver
)
SELECT (SELECT count(*) FROM gone),
       CASE WHEN (SELECT count(*) FROM gone) = $2::bigint THEN m.now
            ELSE (SELECT l.due_at FROM signals.later AS l WHERE l.due_at > m.now ORDER BY l.due_at LIMIT 1) END
FROM moment AS m
