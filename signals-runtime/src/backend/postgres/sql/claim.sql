-- T2: takes what is ready in lanes ($2 receivers, $3 versions; at most $4 of each, from id $5 on), at most $6 in all, under
-- token $7 for $8 microseconds; nothing of a paused receiver, and no suspects, which are those that lost $9 leases or more.
-- $1: the time, or NULL for the server's. With each row the lowest transaction that its snapshot saw running, and this one's
-- own id: what the floors are made of. A signal comes with the first row that needs it.
-- Locks what it takes, in key order, past what others hold; by primary key from the floor of each lane, then by ctid. A row
-- whose newest version the snapshot does not see is left for the next claim.
WITH taken AS MATERIALIZED (
    SELECT d.tid
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS l (receiver, version, slots, floor)
    CROSS JOIN LATERAL (
        SELECT d.ctid AS tid
        FROM signals.delivery AS d
        WHERE d.receiver = l.receiver AND d.version = l.version AND d.id >= l.floor
          AND d.token IS NULL AND d.lost_leases < $9::bigint
        ORDER BY d.receiver, d.version, d.id
        LIMIT l.slots
        FOR UPDATE OF d SKIP LOCKED
    ) AS d
    WHERE NOT (SELECT r.paused FROM signals.receiver AS r WHERE r.id = l.receiver)
    LIMIT $6::bigint
),
claimed AS (
    UPDATE signals.delivery AS d
    SET token = $7::bigint, attempt = least(d.attempt, 2147483646) + 1,
        lease_until = (SELECT coalesce($1::timestamptz, statement_timestamp()) + $8::bigint * interval '1 microsecond')
    WHERE d.ctid = ANY (ARRAY(SELECT t.tid FROM taken AS t))
    RETURNING d.receiver, d.version, d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds
)
SELECT c.receiver, c.version, c.id, c.signal, c.life, c.attempt, c.lost_leases, c.refunds, false AS stolen,
       (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint) AS oldest,
       (SELECT pg_current_xact_id()::text::bigint) AS own,
       s.name, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.sent_at
FROM (
    SELECT c.*, row_number() OVER (PARTITION BY c.signal ORDER BY c.receiver, c.version, c.id) = 1 AS first
    FROM claimed AS c
) AS c
LEFT JOIN LATERAL (SELECT s.* FROM signals.signal AS s WHERE c.first AND s.id = c.signal OFFSET 0) AS s ON true
