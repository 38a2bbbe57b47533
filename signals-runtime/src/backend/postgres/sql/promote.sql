-- Moves what is due, from $2 on (NULL: all) and at most $3, to the end of its lane under fresh ids; says how many, up to when
-- everything is moved that could be seen, and when the next is due. $1: the time, or NULL for the server's.
-- Locks what it moves, past what others hold; by the index on due times, from $2 on, then by ctid.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
due AS MATERIALIZED (
    SELECT l.ctid AS tid
    FROM signals.later AS l
    WHERE l.due_at >= coalesce($2::timestamptz, '-infinity') AND l.due_at <= (SELECT m.now FROM moment AS m)
    ORDER BY l.due_at
    LIMIT $3::bigint
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
),
done AS MATERIALIZED (
    SELECT count(*) AS moved, max(g.due_at) AS last FROM gone AS g
)
SELECT d.moved,
       CASE WHEN d.moved = $3::bigint THEN d.last ELSE m.now END,
       CASE WHEN d.moved = $3::bigint THEN m.now
            ELSE (SELECT l.due_at FROM signals.later AS l WHERE l.due_at > m.now ORDER BY l.due_at LIMIT 1) END
FROM moment AS m CROSS JOIN done AS d
