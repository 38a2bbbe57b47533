-- T2: the signals ?1, [id…], as one JSON array of [id, name, version, payload, correlation, causation, traceparent, build,
-- sent_at]. In the claim's transaction; by primary key.
SELECT json_group_array(json_array(
           s.id, s.name, s.version, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.sent_at))
FROM json_each(?1) AS j
CROSS JOIN signals_signal AS s ON s.id = j.value
