-- T13: forgets signals ?1, a JSON array of ids, to which nothing referred when ?2 was the last delivery drawn, but for those
-- that a retry has brought a delivery since. Under the write lock; by primary key, and what was added to each lane behind ?2.
WITH RECURSIVE lane(receiver, version) AS (
    SELECT * FROM (SELECT receiver, version FROM signals_delivery ORDER BY receiver, version LIMIT 1)
    UNION ALL
    SELECT next.value ->> 0, next.value ->> 1
    FROM lane, json_each(json_array(coalesce(
        (SELECT json_array(t.receiver, t.version) FROM signals_delivery AS t
         WHERE t.receiver = lane.receiver AND t.version > lane.version ORDER BY t.version LIMIT 1),
        (SELECT json_array(t.receiver, t.version) FROM signals_delivery AS t
         WHERE t.receiver > lane.receiver ORDER BY t.receiver, t.version LIMIT 1)))) AS next
    WHERE next.value IS NOT NULL
)
DELETE FROM signals_signal
WHERE id IN (SELECT j.value FROM json_each(?1) AS j)
  AND NOT EXISTS (SELECT 1 FROM signals_later AS l WHERE l.signal = signals_signal.id)
  AND id NOT IN (
    SELECT d.signal
    FROM lane CROSS JOIN signals_delivery AS d
        ON d.receiver = lane.receiver AND d.version = lane.version AND d.id > ?2)
