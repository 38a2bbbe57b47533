-- T3: extends the leases of what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens) to $8
-- microseconds from now. $1: the time, or NULL for the server's. Answers the ids that are held, and those that were extended:
-- another statement has the others locked.
-- Locks in key order, past what others hold; by primary key, then by
-- ctid.
WITH held AS MATERIALIZED (
    SELECT d.id
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS k (receiver, version, id, signal, life, token)
    CROSS JOIN LATERAL (
        SELECT d.id
        FROM signals.delivery AS d
        WHERE d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal
          AND d.life = k.life AND d.token = k.token
        OFFSET 0
    ) AS d
),
free AS MATERIALIZED (
    SELECT d.tid
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS k (receiver, version, id, signal, life, token)
    CROSS JOIN LATERAL (
        SELECT d.ctid AS tid
        FROM signals.delivery AS d
        WHERE d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal
          AND d.life = k.life AND d.token = k.token
        FOR UPDATE OF d SKIP LOCKED
    ) AS d
),
renewed AS (
    UPDATE signals.delivery AS d
    SET lease_until = (SELECT coalesce($1::timestamptz, statement_timestamp()) + $8::bigint * interval '1 microsecond')
    WHERE d.ctid = ANY (ARRAY(SELECT f.tid FROM free AS f))
    RETURNING d.id
)
SELECT coalesce((SELECT array_agg(h.id) FROM held AS h), '{}'),
       coalesce((SELECT array_agg(r.id) FROM renewed AS r), '{}')
