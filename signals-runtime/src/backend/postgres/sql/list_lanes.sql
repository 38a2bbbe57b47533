-- The lanes of the receiver named $1 or of any, with how much there is to look at in each, up to $2: what is ready or running
-- if $3, what waits if $4, what is settled with an outcome in $5. Read only; the lanes are found with one step each by the
-- lane indexes.
WITH RECURSIVE
ready_lane AS (
    (SELECT t.receiver, t.version FROM signals.delivery AS t ORDER BY t.receiver, t.version LIMIT 1)
    UNION ALL
    SELECT next.receiver, next.version
    FROM ready_lane AS lane
    CROSS JOIN LATERAL (
        SELECT t.receiver, t.version FROM signals.delivery AS t
        WHERE (t.receiver, t.version) > (lane.receiver, lane.version) ORDER BY t.receiver, t.version LIMIT 1
    ) AS next
),
later_lane AS (
    (SELECT t.receiver, t.version FROM signals.later AS t ORDER BY t.receiver, t.version LIMIT 1)
    UNION ALL
    SELECT next.receiver, next.version
    FROM later_lane AS lane
    CROSS JOIN LATERAL (
        SELECT t.receiver, t.version FROM signals.later AS t
        WHERE (t.receiver, t.version) > (lane.receiver, lane.version) ORDER BY t.receiver, t.version LIMIT 1
    ) AS next
),
settled_lane AS (
    (SELECT t.receiver, t.version FROM signals.settled AS t ORDER BY t.receiver, t.version LIMIT 1)
    UNION ALL
    SELECT next.receiver, next.version
    FROM settled_lane AS lane
    CROSS JOIN LATERAL (
        SELECT t.receiver, t.version FROM signals.settled AS t
        WHERE (t.receiver, t.version) > (lane.receiver, lane.version) ORDER BY t.receiver, t.version LIMIT 1
    ) AS next
),
lane AS (
    SELECT * FROM ready_lane UNION SELECT * FROM later_lane UNION SELECT * FROM settled_lane
)
SELECT lane.receiver, lane.version,
       (SELECT count(*) FROM (
            SELECT FROM signals.delivery AS d
            WHERE $3::boolean AND d.receiver = lane.receiver AND d.version = lane.version LIMIT $2::bigint) AS c)
     + (SELECT count(*) FROM (
            SELECT FROM signals.later AS l
            WHERE $4::boolean AND l.receiver = lane.receiver AND l.version = lane.version LIMIT $2::bigint) AS c)
     + (SELECT count(*) FROM (
            SELECT FROM signals.settled AS s
            WHERE s.receiver = lane.receiver AND s.version = lane.version AND s.outcome = ANY ($5::text[])
            LIMIT $2::bigint) AS c) AS rows
FROM lane JOIN signals.receiver AS r ON r.id = lane.receiver
WHERE $1::text IS NULL
   OR coalesce(r.merged, r.id) = (SELECT n.receiver FROM signals.receiver_name AS n WHERE n.name = $1::text)
