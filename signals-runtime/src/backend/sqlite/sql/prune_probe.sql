-- T12: which lanes hold something settled by ?1 (done), ?2 (cancelled), ?3 (dead; NULL: none). Read only; by index,
-- one step for each lane.
WITH RECURSIVE lane(receiver, version) AS (
    SELECT * FROM (SELECT receiver, version FROM signals_settled ORDER BY receiver, version LIMIT 1)
    UNION ALL
    SELECT next.value ->> 0, next.value ->> 1
    FROM lane, json_each(json_array(coalesce(
        (SELECT json_array(t.receiver, t.version) FROM signals_settled AS t
         WHERE t.receiver = lane.receiver AND t.version > lane.version ORDER BY t.version LIMIT 1),
        (SELECT json_array(t.receiver, t.version) FROM signals_settled AS t
         WHERE t.receiver > lane.receiver ORDER BY t.receiver, t.version LIMIT 1)))) AS next
    WHERE next.value IS NOT NULL
)
SELECT lane.receiver, lane.version, o.value ->> 0 AS outcome, o.value ->> 1 AS until
FROM lane
CROSS JOIN json_each(json_array(
    json_array('done', ?1), json_array('cancelled', ?2), json_array('dead', ?3))) AS o
WHERE o.value ->> 1 IS NOT NULL
  AND EXISTS (
    SELECT 1 FROM signals_settled AS t
    WHERE t.receiver = lane.receiver AND t.version = lane.version
      AND t.outcome = o.value ->> 0 AND t.settled_at <= o.value ->> 1)
