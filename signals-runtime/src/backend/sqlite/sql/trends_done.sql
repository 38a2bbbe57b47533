-- How many deliveries of each lane were done within spans of time ?1, [[from, before]…], each up to ?2. Read only; by index,
-- the lanes with one step each.
WITH RECURSIVE
settled_lane(receiver, version) AS (
    SELECT * FROM (SELECT receiver, version FROM signals_settled ORDER BY receiver, version LIMIT 1)
    UNION ALL
    SELECT next.value ->> 0, next.value ->> 1
    FROM settled_lane AS lane, json_each(json_array(coalesce(
        (SELECT json_array(t.receiver, t.version) FROM signals_settled AS t
         WHERE t.receiver = lane.receiver AND t.version > lane.version ORDER BY t.version LIMIT 1),
        (SELECT json_array(t.receiver, t.version) FROM signals_settled AS t
         WHERE t.receiver > lane.receiver ORDER BY t.receiver, t.version LIMIT 1)))) AS next
    WHERE next.value IS NOT NULL
)
SELECT * FROM (
    SELECT r.id, r.name, b.key AS bucket,
           (SELECT count(*) FROM (
                SELECT 1 FROM signals_settled AS t
                WHERE t.receiver = lane.receiver AND t.version = lane.version AND t.outcome = 'done'
                  AND t.settled_at >= b.value ->> 0 AND t.settled_at < b.value ->> 1 LIMIT +?2)) AS count
    FROM settled_lane AS lane
    CROSS JOIN signals_receiver AS r ON r.id = lane.receiver
    CROSS JOIN json_each(?1) AS b)
WHERE count > 0
