-- T13: the oldest ?2 signals sent by ?1 that no delivery refers to. Read only, in a snapshot; walks the old signals by id up
-- to the first younger one, and the lanes once, where most rows are passed over with one comparison; by primary key in what
-- waits. A signal that is younger costs nothing, however much is pending.
WITH young(id) AS MATERIALIZED (
    SELECT coalesce(
        (SELECT y.id FROM signals_signal AS y WHERE y.sent_at > ?1 ORDER BY y.id LIMIT 1), 9223372036854775807)
)
SELECT s.id
FROM young CROSS JOIN signals_signal AS s ON s.id < young.id
WHERE s.id NOT IN (SELECT d.signal FROM young CROSS JOIN signals_delivery AS d ON d.signal < young.id)
  AND NOT EXISTS (SELECT 1 FROM signals_later AS l WHERE l.signal = s.id)
ORDER BY s.id
LIMIT +?2
