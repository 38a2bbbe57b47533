-- T12: which lanes hold something settled by $1 (done), $2 (cancelled), $3 (dead; NULL: none). Read only; by index, one step
-- for each lane.
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
CROSS JOIN (VALUES ('done', $1::timestamptz), ('cancelled', $2::timestamptz), ('dead', $3::timestamptz)) AS o (outcome, until)
WHERE o.until IS NOT NULL
  AND EXISTS (
    SELECT FROM signals.settled AS t
    WHERE t.receiver = lane.receiver AND t.version = lane.version AND t.outcome = o.outcome AND t.settled_at <= o.until)
ORDER BY lane.receiver, lane.version
