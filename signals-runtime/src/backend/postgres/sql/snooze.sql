-- T6: what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens) waits for the microseconds in $8,
-- or goes to the end of its lane where these are none; the attempt is refunded, at most $9 times in a life. $1: the time, or
-- NULL for the server's. Answers the ids that matched. Locks in key order; by primary key.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
held AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id, d.signal, d.life, d.lost_leases, d.actor, k.delay,
           d.attempt - (d.refunds < $9::bigint AND d.attempt > 0)::integer AS attempt,
           d.refunds + (d.refunds < $9::bigint)::integer AS refunds
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
         AS k (receiver, version, id, signal, life, token, delay)
    JOIN signals.delivery AS d
      ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal AND d.life = k.life
     AND d.token = k.token
    ORDER BY d.receiver, d.version, d.id
    FOR UPDATE OF d
),
waiting AS (
    INSERT INTO signals.later (signal, receiver, version, due_at, life, attempt, lost_leases, refunds, actor)
    SELECT h.signal, h.receiver, h.version, m.now + h.delay * interval '1 microsecond', h.life, h.attempt, h.lost_leases,
           h.refunds, h.actor
    FROM held AS h CROSS JOIN moment AS m
    WHERE h.delay > 0
),
again AS (
    INSERT INTO signals.delivery (receiver, version, signal, life, attempt, lost_leases, refunds, actor, due_at)
    SELECT h.receiver, h.version, h.signal, h.life, h.attempt, h.lost_leases, h.refunds, h.actor, m.now
    FROM held AS h CROSS JOIN moment AS m
    WHERE h.delay = 0
)
DELETE FROM signals.delivery AS d
USING held AS h
WHERE d.receiver = h.receiver AND d.version = h.version AND d.id = h.id
RETURNING d.id
