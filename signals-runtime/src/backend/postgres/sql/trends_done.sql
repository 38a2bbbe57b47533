-- How many deliveries of each lane were done within spans of time ($1 from, $2 before), each up to $3. Read only; by index,
-- the lanes with one step each.
WITH RECURSIVE settled_lane AS (
    (SELECT t.receiver, t.version FROM signals.settled AS t ORDER BY t.receiver, t.version LIMIT 1)
    UNION ALL
    SELECT next.receiver, next.version
    FROM settled_lane AS lane
    CROSS JOIN LATERAL (
        SELECT t.receiver, t.version FROM signals.settled AS t
        WHERE (t.receiver, t.version) > (lane.receiver, lane.version) ORDER BY t.receiver, t.version LIMIT 1
    ) AS next
)
SELECT r.id, r.name, b.at - 1 AS bucket, c.count
FROM settled_lane AS lane
JOIN signals.receiver AS r ON r.id = lane.receiver
CROSS JOIN unnest($1::timestamptz[], $2::timestamptz[]) WITH ORDINALITY AS b (start, before, at)
CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (
        SELECT FROM signals.settled AS t
        WHERE t.receiver = lane.receiver AND t.version = lane.version AND t.outcome = 'done'
          AND t.settled_at >= b.start AND t.settled_at < b.before
        LIMIT $3::bigint) AS t
) AS c
WHERE c.count > 0
