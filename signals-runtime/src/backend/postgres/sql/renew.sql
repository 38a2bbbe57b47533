-- T3: extends the leases of what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens) to $8
-- microseconds from now. $1: the time, or NULL for the server's. Answers the ids that are held, and those that were extended:
-- another statement has the others locked.
-- Locks in key order, past what others hold; by primary key.
WITH held AS MATERIALIZED (
    SELECT d.id
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS k (receiver, version, id, signal, life, token)
    JOIN signals.delivery AS d
      ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal AND d.life = k.life
     AND d.token = k.token
),
free AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS k (receiver, version, id, signal, life, token)
    JOIN signals.delivery AS d
      ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal AND d.life = k.life
     AND d.token = k.token
    ORDER BY d.receiver, d.version, d.id
    FOR UPDATE OF d SKIP LOCKED
),
renewed AS (
    UPDATE signals.delivery AS d
    SET lease_until = coalesce($1::timestamptz, statement_timestamp()) + $8::bigint * interval '1 microsecond'
    FROM free AS f
    WHERE d.receiver = f.receiver AND d.version = f.version AND d.id = f.id
    RETURNING d.id
)
SELECT coalesce((SELECT array_agg(h.id) FROM held AS h), '{}'),
       coalesce((SELECT array_agg(r.id) FROM renewed AS r), '{}')
