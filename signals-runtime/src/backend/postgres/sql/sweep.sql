-- T2 and T9: as `claim`, from the bottom of each lane ($5 is not looked at), and so with everything that stands below the
-- floors: stragglers of long transactions, what was given back, and, if $10, leases that have expired. If $11, one suspect
-- is among them; $12 lost leases are too many, and `crashed` takes those.
-- Locks what it takes, in key order, past what others hold; by primary key, suspects by their own small index, then by ctid.
WITH lane AS MATERIALIZED (
    SELECT l.receiver, l.version, l.slots, l.at
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
         WITH ORDINALITY AS l (receiver, version, slots, floor, at)
    WHERE NOT (SELECT r.paused FROM signals.receiver AS r WHERE r.id = l.receiver)
),
moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
plain AS MATERIALIZED (
    SELECT l.at, l.slots, d.id, d.tid, d.token
    FROM lane AS l
    CROSS JOIN LATERAL (
        SELECT d.id, d.ctid AS tid, d.token
        FROM signals.delivery AS d
        WHERE d.receiver = l.receiver AND d.version = l.version
          AND ((d.token IS NULL AND d.lost_leases < $9::bigint)
               OR ($10::boolean AND d.lease_until <= (SELECT m.now FROM moment AS m) AND d.lost_leases + 1 < $9::bigint))
        ORDER BY d.receiver, d.version, d.id
        LIMIT l.slots
        FOR UPDATE OF d SKIP LOCKED
    ) AS d
    LIMIT $6::bigint
),
suspect AS MATERIALIZED (
    SELECT l.at, l.slots, d.id, d.tid, d.token
    FROM lane AS l
    CROSS JOIN LATERAL (
        SELECT d.id, d.ctid AS tid, d.token
        FROM signals.delivery AS d
        WHERE d.receiver = l.receiver AND d.version = l.version AND d.lost_leases > 0
          AND ((d.token IS NULL AND d.lost_leases >= $9::bigint)
               OR ($10::boolean AND d.lease_until <= (SELECT m.now FROM moment AS m)
                   AND d.lost_leases + 1 >= $9::bigint AND d.lost_leases + 1 < $12::bigint))
        ORDER BY d.receiver, d.version, d.id
        LIMIT 1
        FOR UPDATE OF d SKIP LOCKED
    ) AS d
    WHERE $11::boolean
    LIMIT 1
),
taken AS MATERIALIZED (
    SELECT f.id, f.tid, f.token
    FROM (
        SELECT f.*, row_number() OVER (PARTITION BY f.at ORDER BY f.id) AS nth
        FROM (SELECT * FROM plain UNION ALL SELECT * FROM suspect) AS f
    ) AS f
    WHERE f.nth <= f.slots
    ORDER BY f.at, f.id
    LIMIT $6::bigint
),
claimed AS (
    UPDATE signals.delivery AS d
    SET token = $7::bigint,
        attempt = CASE WHEN d.token IS NULL THEN least(d.attempt, 2147483646) + 1 ELSE d.attempt END,
        lost_leases = d.lost_leases + (d.token IS NOT NULL)::integer,
        lease_until = (SELECT m.now + $8::bigint * interval '1 microsecond' FROM moment AS m)
    WHERE d.ctid = ANY (ARRAY(SELECT t.tid FROM taken AS t))
    RETURNING d.receiver, d.version, d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds
),
known AS MATERIALIZED (
    SELECT c.*, t.token AS old FROM claimed AS c JOIN taken AS t ON t.id = c.id
),
lost AS (
    INSERT INTO signals.attempt (signal, receiver, life, attempt, outcome, error, worker, ended_at)
    SELECT k.signal, k.receiver, k.life, k.attempt, $13::text, $14::text, (k.old >> 32) & 4294967295,
           (SELECT m.now FROM moment AS m)
    FROM known AS k
    WHERE k.old IS NOT NULL
)
SELECT c.receiver, c.version, c.id, c.signal, c.life, c.attempt, c.lost_leases, c.refunds, c.old IS NOT NULL AS stolen,
       (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint) AS oldest,
       (SELECT pg_current_xact_id()::text::bigint) AS own,
       s.name, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.sent_at
FROM (
    SELECT c.*, row_number() OVER (PARTITION BY c.signal ORDER BY c.receiver, c.version, c.id) = 1 AS first
    FROM known AS c
) AS c
LEFT JOIN LATERAL (SELECT s.* FROM signals.signal AS s WHERE c.first AND s.id = c.signal OFFSET 0) AS s ON true
