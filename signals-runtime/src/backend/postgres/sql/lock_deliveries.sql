-- T10: locks rows ($1 receivers, $2 versions, $3 ids) that are still there, in key order, waiting for who has them; their
-- states by then. By primary key.
SELECT d.signal, d.receiver, CASE WHEN d.token IS NULL THEN 'ready' ELSE 'running' END AS state, d.version, d.id
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (receiver, version, id)
JOIN signals.delivery AS d ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id
ORDER BY d.receiver, d.version, d.id
FOR UPDATE OF d
