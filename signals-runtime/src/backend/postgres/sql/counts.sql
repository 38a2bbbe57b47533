-- Counts by lane and state, each exact up to $2 and $2 + 1 beyond. $1: the time, or NULL for the server's. Read only. The
-- lanes are found with one step each by the lane indexes; running deliveries are counted among the first 2 ($2 + 1) of a
-- lane, where they are.
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
),
moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
)
SELECT r.id, lane.version, r.name, t.name AS signal,
       (SELECT count(*) FROM (
            SELECT FROM signals.delivery AS d
            WHERE d.receiver = lane.receiver AND d.version = lane.version AND d.token IS NULL LIMIT $2::bigint + 1) AS c) AS ready,
       (SELECT count(*) FROM (
            SELECT FROM signals.later AS l
            WHERE l.receiver = lane.receiver AND l.version = lane.version AND l.due_at <= m.now LIMIT $2::bigint + 1) AS c) AS due,
       (SELECT count(*) FROM (
            SELECT FROM signals.later AS l
            WHERE l.receiver = lane.receiver AND l.version = lane.version AND l.due_at > m.now LIMIT $2::bigint + 1) AS c)
           AS scheduled,
       (SELECT count(w.token) FROM (
            SELECT d.token FROM signals.delivery AS d
            WHERE d.receiver = lane.receiver AND d.version = lane.version
            ORDER BY d.id LIMIT 2 * ($2::bigint + 1)) AS w) AS running,
       (SELECT count(*) FROM (
            SELECT FROM signals.settled AS s WHERE s.receiver = lane.receiver AND s.version = lane.version
              AND s.outcome = 'done' LIMIT $2::bigint + 1) AS c) AS done,
       (SELECT count(*) FROM (
            SELECT FROM signals.settled AS s WHERE s.receiver = lane.receiver AND s.version = lane.version
              AND s.outcome = 'dead' LIMIT $2::bigint + 1) AS c) AS dead,
       (SELECT count(*) FROM (
            SELECT FROM signals.settled AS s WHERE s.receiver = lane.receiver AND s.version = lane.version
              AND s.outcome = 'cancelled' LIMIT $2::bigint + 1) AS c) AS cancelled,
       first.oldest, first.due_since,
       (SELECT min(l.due_at) FROM signals.later AS l
        WHERE l.receiver = lane.receiver AND l.version = lane.version AND l.due_at <= m.now) AS later_due
FROM signals.receiver AS r
JOIN signals.signal_type AS t ON t.id = r.type
CROSS JOIN moment AS m
LEFT JOIN lane ON lane.receiver = r.id
LEFT JOIN LATERAL (
    SELECT min(s.sent_at) AS oldest, min(coalesce(o.due_at, s.sent_at)) AS due_since
    FROM (
        SELECT d.signal, d.due_at FROM signals.delivery AS d
        WHERE d.receiver = lane.receiver AND d.version = lane.version AND d.token IS NULL
        ORDER BY d.id LIMIT 100
    ) AS o
    JOIN signals.signal AS s ON s.id = o.signal
) AS first ON true
WHERE r.merged IS NULL OR lane.receiver IS NOT NULL
ORDER BY r.name COLLATE "C", lane.version, r.id
