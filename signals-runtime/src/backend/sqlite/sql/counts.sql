-- Counts by lane and state, as of ?1, each exact up to ?2 and ?2 + 1 beyond. Read only. The lanes are found with one
-- step each by the lane indexes; running deliveries are counted among the first 2 (?2 + 1) of a lane, where they are.
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
SELECT r.id, lane.version, r.name, t.name AS signal,
       (SELECT count(*) FROM (
            SELECT 1 FROM signals_delivery AS d
            WHERE d.receiver = lane.receiver AND d.version = lane.version AND d.token IS NULL LIMIT ?2 + 1)) AS ready,
       (SELECT count(*) FROM (
            SELECT 1 FROM signals_later AS l
            WHERE l.receiver = lane.receiver AND l.version = lane.version AND l.due_at <= ?1 LIMIT ?2 + 1)) AS due,
       (SELECT count(*) FROM (
            SELECT 1 FROM signals_later AS l
            WHERE l.receiver = lane.receiver AND l.version = lane.version AND l.due_at > ?1 LIMIT ?2 + 1)) AS scheduled,
       (SELECT count(w.token) FROM (
            SELECT d.token FROM signals_delivery AS d
            WHERE d.receiver = lane.receiver AND d.version = lane.version
            ORDER BY d.id LIMIT 2 * (?2 + 1)) AS w) AS running,
       (SELECT count(*) FROM (
            SELECT 1 FROM signals_settled AS s WHERE s.receiver = lane.receiver AND s.version = lane.version
              AND s.outcome = 'done' LIMIT ?2 + 1)) AS done,
       (SELECT count(*) FROM (
            SELECT 1 FROM signals_settled AS s WHERE s.receiver = lane.receiver AND s.version = lane.version
              AND s.outcome = 'dead' LIMIT ?2 + 1)) AS dead,
       (SELECT count(*) FROM (
            SELECT 1 FROM signals_settled AS s WHERE s.receiver = lane.receiver AND s.version = lane.version
              AND s.outcome = 'cancelled' LIMIT ?2 + 1)) AS cancelled,
       (SELECT min(s.sent_at) FROM (
            SELECT d.signal FROM signals_delivery AS d
            WHERE d.receiver = lane.receiver AND d.version = lane.version AND d.token IS NULL
            ORDER BY d.id LIMIT 100) AS o JOIN signals_signal AS s ON s.id = o.signal) AS oldest,
       (SELECT min(coalesce(o.due_at, s.sent_at)) FROM (
            SELECT d.signal, d.due_at FROM signals_delivery AS d
            WHERE d.receiver = lane.receiver AND d.version = lane.version AND d.token IS NULL
            ORDER BY d.id LIMIT 100) AS o JOIN signals_signal AS s ON s.id = o.signal) AS due_since,
       (SELECT min(l.due_at) FROM signals_later AS l
        WHERE l.receiver = lane.receiver AND l.version = lane.version AND l.due_at <= ?1) AS later_due
FROM signals_receiver AS r
JOIN signals_signal_type AS t ON t.id = r.type
LEFT JOIN lane ON lane.receiver = r.id
WHERE r.merged IS NULL OR lane.receiver IS NOT NULL
ORDER BY r.name, lane.version, r.id
