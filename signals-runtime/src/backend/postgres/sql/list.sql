-- Which deliveries one page tells, with their places in lanes ($1 receivers, $2 versions): of signals from $10 to $5, behind
-- ($5, $6), at most $7; ready ones if $8, running ones if $9, settled ones with an outcome in $3; of the signal named $4,
-- sent by $11, sent after $12, with an error that contains $13, each if it is not NULL. $14: there is little in all, and it is
-- found by the lane indexes; otherwise by primary key from $5 down to $10. Read only; lanes are scanned, most rows no further
-- than the comparison with the two bounds.
WITH lane AS MATERIALIZED (
    SELECT l.receiver, l.version FROM unnest($1::bigint[], $2::bigint[]) AS l (receiver, version)
),
told AS (
    SELECT * FROM (
        SELECT d.signal, d.receiver, d.version, d.id
        FROM lane CROSS JOIN LATERAL (
            SELECT d.signal, d.receiver, d.version, d.id, d.token FROM signals.delivery AS d
            WHERE d.receiver = lane.receiver AND d.version = lane.version AND d.signal BETWEEN $10::bigint AND $5::bigint
              AND ($8::boolean OR $9::boolean)
        ) AS d
        WHERE (($8::boolean AND d.token IS NULL) OR ($9::boolean AND d.token IS NOT NULL))
          AND (d.signal < $5::bigint OR d.receiver > $6::bigint)
          AND (($4::text IS NULL AND $11::timestamptz IS NULL AND $12::timestamptz IS NULL) OR EXISTS (
            SELECT FROM signals.signal AS s
            WHERE s.id = d.signal AND ($4::text IS NULL OR s.name = $4::text)
              AND ($11::timestamptz IS NULL OR s.sent_at <= $11::timestamptz)
              AND ($12::timestamptz IS NULL OR s.sent_at > $12::timestamptz)))
          AND ($13::text IS NULL OR EXISTS (
            SELECT FROM signals.attempt AS a
            WHERE a.signal = d.signal AND a.receiver = d.receiver
              AND strpos(lower(a.error COLLATE "C"), $13::text) > 0))
        ORDER BY d.signal DESC, d.receiver LIMIT $7::bigint) AS deliveries
    UNION ALL
    SELECT * FROM (
        SELECT l.signal, l.receiver, NULL::bigint, NULL::bigint
        FROM (
            SELECT l.signal, l.receiver FROM lane JOIN signals.later AS l
            ON $14::boolean AND l.receiver = lane.receiver AND l.version = lane.version
            UNION ALL
            SELECT l.signal, l.receiver FROM signals.later AS l
            WHERE NOT $14::boolean AND l.signal BETWEEN $10::bigint AND $5::bigint
              AND (l.receiver, l.version) IN (SELECT lane.receiver, lane.version FROM lane)
        ) AS l
        WHERE $8::boolean AND l.signal <= $5::bigint AND (l.signal < $5::bigint OR l.receiver > $6::bigint)
          AND (($4::text IS NULL AND $11::timestamptz IS NULL AND $12::timestamptz IS NULL) OR EXISTS (
            SELECT FROM signals.signal AS s
            WHERE s.id = l.signal AND ($4::text IS NULL OR s.name = $4::text)
              AND ($11::timestamptz IS NULL OR s.sent_at <= $11::timestamptz)
              AND ($12::timestamptz IS NULL OR s.sent_at > $12::timestamptz)))
          AND ($13::text IS NULL OR EXISTS (
            SELECT FROM signals.attempt AS a
            WHERE a.signal = l.signal AND a.receiver = l.receiver
              AND strpos(lower(a.error COLLATE "C"), $13::text) > 0))
        ORDER BY l.signal DESC, l.receiver LIMIT $7::bigint) AS waiting
    UNION ALL
    SELECT * FROM (
        SELECT t.signal, t.receiver, NULL::bigint, NULL::bigint
        FROM (
            SELECT t.signal, t.receiver, t.name, t.sent_at, t.outcome, t.reason FROM lane JOIN signals.settled AS t
            ON $14::boolean AND t.receiver = lane.receiver AND t.version = lane.version AND t.outcome = ANY ($3::text[])
            UNION ALL
            SELECT t.signal, t.receiver, t.name, t.sent_at, t.outcome, t.reason FROM signals.settled AS t
            WHERE NOT $14::boolean AND t.signal BETWEEN $10::bigint AND $5::bigint AND t.outcome = ANY ($3::text[])
              AND (t.receiver, t.version) IN (SELECT lane.receiver, lane.version FROM lane)
        ) AS t
        WHERE t.signal <= $5::bigint AND (t.signal < $5::bigint OR t.receiver > $6::bigint)
          AND ($4::text IS NULL OR t.name = $4::text)
          AND ($11::timestamptz IS NULL OR t.sent_at <= $11::timestamptz)
          AND ($12::timestamptz IS NULL OR t.sent_at > $12::timestamptz)
          AND ($13::text IS NULL OR (t.outcome = 'dead' AND strpos(lower(t.reason COLLATE "C"), $13::text) > 0) OR EXISTS (
            SELECT FROM signals.attempt AS a
            WHERE a.signal = t.signal AND a.receiver = t.receiver
              AND strpos(lower(a.error COLLATE "C"), $13::text) > 0))
        ORDER BY t.signal DESC, t.receiver LIMIT $7::bigint) AS settled
)
SELECT t.signal, t.receiver, t.version, t.id
FROM told AS t
ORDER BY t.signal DESC, t.receiver
LIMIT $7::bigint
