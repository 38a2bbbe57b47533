-- T8: gives back what is held ($1 receivers, $2 versions, $3 ids, $4 signals, $5 lives, $6 tokens); the attempt is
-- refunded, at most $7 times in a life. Answers the ids that matched. Locks in key order; by primary key.
WITH held AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
         AS k (receiver, version, id, signal, life, token)
    JOIN signals.delivery AS d
      ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal AND d.life = k.life
     AND d.token = k.token
    ORDER BY d.receiver, d.version, d.id
    FOR UPDATE OF d
)
UPDATE signals.delivery AS d
SET attempt = d.attempt - (d.refunds < $7::bigint AND d.attempt > 0)::integer,
    refunds = d.refunds + (d.refunds < $7::bigint)::integer,
    token = NULL, lease_until = NULL
FROM held AS h
WHERE d.receiver = h.receiver AND d.version = h.version AND d.id = h.id
RETURNING d.id
