-- T4: settles what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens), keeping those of $8 in
-- history with $9, the microseconds each ran. $1: the time, or NULL for the server's. Answers the ids that matched.
-- Locks in key order; by primary key.
WITH held AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds, d.actor, k.keep, k.ran
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[],
                $9::bigint[])
         AS k (receiver, version, id, signal, life, token, keep, ran)
    JOIN signals.delivery AS d
      ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal AND d.life = k.life
     AND d.token = k.token
    ORDER BY d.receiver, d.version, d.id
    FOR UPDATE OF d
),
kept AS (
    INSERT INTO signals.settled
        (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, actor, ran, settled_at,
         name, sent_at, correlation, causation, traceparent, build)
    SELECT h.signal, h.receiver, h.version, h.life, h.attempt, h.lost_leases, h.refunds, 'done', h.actor, h.ran,
           coalesce($1::timestamptz, statement_timestamp()),
           s.name, s.sent_at, s.correlation, s.causation, s.traceparent, s.build
    FROM held AS h LEFT JOIN signals.signal AS s ON s.id = h.signal
    WHERE h.keep
),
unkept AS (
    DELETE FROM signals.attempt AS a
    USING held AS h
    WHERE NOT h.keep AND (h.attempt > 1 OR h.lost_leases > 0 OR h.refunds > 0 OR h.life > 0)
      AND a.signal = h.signal AND a.receiver = h.receiver
)
DELETE FROM signals.delivery AS d
USING held AS h
WHERE d.receiver = h.receiver AND d.version = h.version AND d.id = h.id
RETURNING d.id
