-- T5 and T7: ends the attempt of what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens) with
-- outcomes $8 and errors $9 after $10 microseconds. Those with a reason in $11 are dead; the others wait for the
-- microseconds in $12, or go to the end of their lanes where these are none. $1: the time, or NULL for the server's.
-- Answers the ids that matched. Locks in key order; by primary key.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
held AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds, d.actor, d.token,
           k.outcome, k.error, k.ran, k.reason, k.delay
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
                $9::text[], $10::bigint[], $11::text[], $12::bigint[])
         AS k (receiver, version, id, signal, life, token, outcome, error, ran, reason, delay)
    JOIN signals.delivery AS d
      ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal AND d.life = k.life
     AND d.token = k.token
    ORDER BY d.receiver, d.version, d.id
    FOR UPDATE OF d
),
recorded AS (
    INSERT INTO signals.attempt (signal, receiver, life, attempt, outcome, error, worker, ended_at, ran)
    SELECT h.signal, h.receiver, h.life, h.attempt, h.outcome, h.error, (h.token >> 32) & 4294967295, m.now, h.ran
    FROM held AS h CROSS JOIN moment AS m
),
dead AS (
    INSERT INTO signals.settled
        (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, ran, settled_at,
         name, sent_at, payload, correlation, causation, traceparent, build, fanout)
    SELECT h.signal, h.receiver, h.version, h.life, h.attempt, h.lost_leases + (h.reason = 'crashed')::integer, h.refunds,
           'dead', h.reason, h.actor, h.ran, m.now,
           s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
    FROM held AS h CROSS JOIN moment AS m LEFT JOIN signals.signal AS s ON s.id = h.signal
    WHERE h.reason IS NOT NULL
),
waiting AS (
    INSERT INTO signals.later (signal, receiver, version, due_at, life, attempt, lost_leases, refunds, actor)
    SELECT h.signal, h.receiver, h.version, m.now + h.delay * interval '1 microsecond', h.life, h.attempt, h.lost_leases,
           h.refunds, h.actor
    FROM held AS h CROSS JOIN moment AS m
    WHERE h.reason IS NULL AND h.delay > 0
),
again AS (
    INSERT INTO signals.delivery (receiver, version, signal, life, attempt, lost_leases, refunds, actor, due_at)
    SELECT h.receiver, h.version, h.signal, h.life, h.attempt, h.lost_leases, h.refunds, h.actor, m.now
    FROM held AS h CROSS JOIN moment AS m
    WHERE h.reason IS NULL AND h.delay = 0
)
DELETE FROM signals.delivery AS d
USING held AS h
WHERE d.receiver = h.receiver AND d.version = h.version AND d.id = h.id
RETURNING d.id
