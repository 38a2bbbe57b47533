-- For tests, T2 or T9: the one delivery of signal $4 in lane ($2, $3), ready or running, under token $5 for $6 microseconds;
-- whoever runs it loses its lease. Nothing of a paused receiver. $1: the time, or NULL for the server's. Answers as `claim`.
-- Waits for who has the row; walks the lane by primary key, which in a test is short.
WITH taken AS MATERIALIZED (
    SELECT d.ctid AS tid, d.id, d.token
    FROM signals.delivery AS d
    WHERE d.receiver = $2::bigint AND d.version = $3::bigint AND d.signal = $4::bigint
      AND NOT (SELECT r.paused FROM signals.receiver AS r WHERE r.id = $2::bigint)
    ORDER BY d.receiver, d.version, d.id
    LIMIT 1
    FOR UPDATE OF d
),
moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
claimed AS (
    UPDATE signals.delivery AS d
    SET token = $5::bigint,
        attempt = CASE WHEN d.token IS NULL THEN least(d.attempt, 2147483646) + 1 ELSE d.attempt END,
        lost_leases = d.lost_leases + (d.token IS NOT NULL)::integer,
        lease_until = (SELECT m.now FROM moment AS m) + $6::bigint * interval '1 microsecond'
    WHERE d.ctid = ANY (ARRAY(SELECT t.tid FROM taken AS t))
    RETURNING d.receiver, d.version, d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds
),
known AS MATERIALIZED (
    SELECT c.*, t.token AS old FROM claimed AS c JOIN taken AS t ON t.id = c.id
),
lost AS (
    INSERT INTO signals.attempt (signal, receiver, life, attempt, outcome, error, worker, ended_at)
    SELECT k.signal, k.receiver, k.life, k.attempt, $7::text, $8::text, (k.old >> 32) & 4294967295,
           (SELECT m.now FROM moment AS m)
    FROM known AS k
    WHERE k.old IS NOT NULL
)
SELECT k.receiver, k.version, k.id, k.signal, k.life, k.attempt, k.lost_leases, k.refunds, k.old IS NOT NULL AS stolen,
       s.name, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.sent_at
FROM known AS k
JOIN signals.signal AS s ON s.id = k.signal
