-- T12: which lanes hold something settled so many microseconds ago: $2 (done), $3 (cancelled), $4 (dead; NULL: none), and when
-- that was. $1: the time, or NULL for the server's. Read only; by index, one step for each lane.
WITH RECURSIVE lane AS (
    (SELECT t.receiver, t.version FROM signals.settled AS t ORDER BY t.receiver, t.version LIMIT 1)
    UNION ALL
    SELECT next.receiver, next.version
    FROM lane
    CROSS JOIN LATERAL (
        SELECT t.receiver, t.version FROM signals.settled AS t
        WHERE (t.receiver, t.version) > (lane.receiver, lane.version) ORDER BY t.receiver, t.version LIMIT 1
    ) AS next
)
SELECT lane.receiver, lane.version, o.outcome, o.until
FROM lane
CROSS JOIN (
    SELECT a.outcome, coalesce($1::timestamptz, statement_timestamp()) - a.age * interval '1 microsecond' AS until
    FROM (VALUES ('done', $2::bigint), ('cancelled', $3::bigint), ('dead', $4::bigint)) AS a (outcome, age)
) AS o
WHERE o.until IS NOT NULL
  AND EXISTS (
    SELECT FROM signals.settled AS t
    WHERE t.receiver = lane.receiver AND t.version = lane.version AND t.outcome = o.outcome AND t.settled_at <= o.until)
ORDER BY lane.receiver, lane.version
