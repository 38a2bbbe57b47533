-- T12: forgets at most $4 deliveries of lane ($1, $2) that were settled as $3 by $5, with their attempts. Locks what it
-- takes, past what others hold; by index, then by primary key.
WITH old AS MATERIALIZED (
    SELECT t.signal, t.receiver
    FROM signals.settled AS t
    WHERE t.receiver = $1::bigint AND t.version = $2::bigint AND t.outcome = $3::text AND t.settled_at <= $5::timestamptz
    ORDER BY t.settled_at
    LIMIT $4::bigint
    FOR UPDATE OF t SKIP LOCKED
),
attempts AS (
    DELETE FROM signals.attempt AS a USING old AS o WHERE a.signal = o.signal AND a.receiver = o.receiver
)
DELETE FROM signals.settled AS t USING old AS o WHERE t.signal = o.signal AND t.receiver = o.receiver
