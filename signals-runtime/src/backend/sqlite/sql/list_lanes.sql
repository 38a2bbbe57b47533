-- The lanes of the receiver named ?1 or of any, with how much there is to look at in each, up to ?2: what is ready or running
-- if ?3, what waits if ?4, what is settled with an outcome in JSON array ?5. Read only; the lanes are found with one step each
-- by the lane indexes.
WITH RECURSIVE
ready_lane(receiver, version) AS (
    SELECT * FROM (SELECT receiver, version FROM signals_delivery ORDER BY receiver, version LIMIT 1)
    UNION ALL
    SELECT next.value ->> 0, next.value ->> 1
    FROM ready_lane AS lane, json_each(json_array(coalesce(
        (SELECT json_array(t.receiver, t.version) FROM signals_delivery AS t
         WHERE t.receiver = lane.receiver AND t.version > lane.version ORDER BY t.version LIMIT 1),
        (SELECT json_array(t.receiver, t.version) FROM signals_delivery AS t
         WHERE t.receiver > lane.receiver ORDER BY t.receiver, t.version LIMIT 1)))) AS next
    WHERE next.value IS NOT NULL
),
later_lane(receiver, version) AS (
    SELECT * FROM (SELECT receiver, version FROM signals_later ORDER BY receiver, version LIMIT 1)
    UNION ALL
    SELECT next.value ->> 0, next.value ->> 1
    FROM later_lane AS lane, json_each(json_array(coalesce(
        (SELECT json_array(t.receiver, t.version) FROM signals_later AS t
         WHERE t.receiver = lane.receiver AND t.version > lane.version ORDER BY t.version LIMIT 1),
        (SELECT json_array(t.receiver, t.version) FROM signals_later AS t
         WHERE t.receiver > lane.receiver ORDER BY t.receiver, t.version LIMIT 1)))) AS next
    WHERE next.value IS NOT NULL
),
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
),
lane(receiver, version) AS (
    SELECT * FROM ready_lane UNION SELECT * FROM later_lane UNION SELECT * FROM settled_lane
)
SELECT lane.receiver, lane.version,
       (SELECT count(*) FROM (
            SELECT 1 FROM signals_delivery AS d
            WHERE ?3 AND d.receiver = lane.receiver AND d.version = lane.version LIMIT +?2))
     + (SELECT count(*) FROM (
            SELECT 1 FROM signals_later AS l
            WHERE ?4 AND l.receiver = lane.receiver AND l.version = lane.version LIMIT +?2))
     + (SELECT count(*) FROM (
            SELECT 1 FROM json_each(?5) AS o CROSS JOIN signals_settled AS s INDEXED BY signals_settled_lane
            ON s.receiver = lane.receiver AND s.version = lane.version AND s.outcome = o.value LIMIT +?2)) AS rows
FROM lane CROSS JOIN signals_receiver AS r ON r.id = lane.receiver
WHERE ?1 IS NULL OR coalesce(r.merged, r.id) = (SELECT n.receiver FROM signals_receiver_name AS n WHERE n.name = ?1)
