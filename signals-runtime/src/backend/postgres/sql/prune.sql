-- T12: forgets at most $4 deliveries of lane ($1, $2) that were settled as $3 by $5, with their attempts. Locks what it
-- takes, past what others hold; by index, then by ctid. (`+ 0`: as in `ack`.)
WITH old AS MATERIALIZED (
    SELECT t.signal, t.receiver, t.ctid AS tid
    FROM signals.settled AS t
    WHERE t.receiver = $1::bigint AND t.version = $2::bigint AND t.outcome = $3::text AND t.settled_at <= $5::timestamptz
    ORDER BY t.settled_at
    LIMIT $4::bigint
    FOR UPDATE OF t SKIP LOCKED
),
attempts AS (
    DELETE FROM signals.attempt AS a
    WHERE a.ctid = ANY (ARRAY(
        SELECT a.tid
        FROM old AS o
        CROSS JOIN LATERAL (
            SELECT a.ctid AS tid FROM signals.attempt AS a WHERE a.signal = o.signal AND a.receiver + 0 = o.receiver OFFSET 0
        ) AS a))
)
DELETE FROM signals.settled AS t WHERE t.ctid = ANY (ARRAY(SELECT o.tid FROM old AS o))
