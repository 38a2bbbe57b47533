-- T10, T11: in which state deliveries ?1 are, [[signal, receiver, version, id]…] with version and id where they stood in a
-- lane. Says nothing of those that moved away from there. By primary key.
SELECT j.value ->> 0 AS signal, j.value ->> 1 AS receiver,
       CASE WHEN d.token IS NULL THEN 'ready' ELSE 'running' END AS state, d.version, d.id
FROM json_each(?1) AS j
CROSS JOIN signals_delivery AS d
    ON d.receiver = j.value ->> 1 AND d.version = j.value ->> 2 AND d.id = j.value ->> 3 AND d.signal = j.value ->> 0
UNION ALL
SELECT j.value ->> 0, j.value ->> 1, 'ready', NULL, NULL
FROM json_each(?1) AS j
CROSS JOIN signals_later AS l ON l.signal = j.value ->> 0 AND l.receiver = j.value ->> 1
UNION ALL
SELECT j.value ->> 0, j.value ->> 1, t.outcome, NULL, NULL
FROM json_each(?1) AS j
CROSS JOIN signals_settled AS t ON t.signal = j.value ->> 0 AND t.receiver = j.value ->> 1
