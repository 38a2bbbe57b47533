-- T5 and T7: ends the attempt of what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens; in key
-- order) with outcomes $8 and errors $9 after $10 microseconds. Those with a reason in $11 are dead; the others wait for the
-- microseconds in $12, or go to the end of their lanes where these are none. $1: the time, or NULL for the server's.
-- Answers the ids that are held, and whether it happened: where another statement had the row
-- in between it did not, and does when it is said again. Locks in key order; by primary key, then by ctid. Its commit waits for the
-- disk, alone or among others, whatever the session asks for.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
held AS MATERIALIZED (
    SELECT d.tid, k.id, k.token, k.outcome, k.error, k.ran, k.reason, k.delay
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
                $9::text[], $10::bigint[], $11::text[], $12::bigint[])
         AS k (receiver, version, id, signal, life, token, outcome, error, ran, reason, delay)
    CROSS JOIN LATERAL (
        SELECT d.ctid AS tid
        FROM signals.delivery AS d
        WHERE d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal
          AND d.life = k.life AND d.token = k.token
        FOR UPDATE OF d
    ) AS d
    WHERE (SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                             WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)) IS NOT NULL
),
gone AS (
    DELETE FROM signals.delivery AS d
    WHERE d.ctid = ANY (ARRAY(SELECT h.tid FROM held AS h))
    RETURNING d.receiver, d.version, d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds, d.actor
),
ended AS MATERIALIZED (
    SELECT g.*, h.token, h.outcome, h.error, h.ran, h.reason, h.delay, m.now
    FROM gone AS g JOIN held AS h ON h.id = g.id CROSS JOIN moment AS m
),
recorded AS (
    INSERT INTO signals.attempt (signal, receiver, life, attempt, outcome, error, worker, ended_at, ran)
    SELECT e.signal, e.receiver, e.life, e.attempt, e.outcome, e.error, (e.token >> 32) & 4294967295, e.now, e.ran
    FROM ended AS e
),
dead AS (
    INSERT INTO signals.settled
        (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, ran, settled_at,
         name, sent_at, payload, correlation, causation, traceparent, build, fanout)
    SELECT e.signal, e.receiver, e.version, e.life, e.attempt, e.lost_leases + (e.reason = 'crashed')::integer, e.refunds,
           'dead', e.reason, e.actor, e.ran, e.now,
           s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
    FROM ended AS e
    LEFT JOIN LATERAL (SELECT s.* FROM signals.signal AS s WHERE s.id = e.signal OFFSET 0) AS s ON true
    WHERE e.reason IS NOT NULL
    ON CONFLICT (signal, receiver) DO NOTHING -- a foreign hand's row must not fail the others
),
waiting AS (
    INSERT INTO signals.later (signal, receiver, version, due_at, life, attempt, lost_leases, refunds, actor)
    SELECT e.signal, e.receiver, e.version, e.now + e.delay * interval '1 microsecond', e.life, e.attempt, e.lost_leases,
           e.refunds, e.actor
    FROM ended AS e
    WHERE e.reason IS NULL AND e.delay > 0
),
again AS (
    INSERT INTO signals.delivery (receiver, version, signal, life, attempt, lost_leases, refunds, actor, due_at)
    SELECT e.receiver, e.version, e.signal, e.life, e.attempt, e.lost_leases, e.refunds, e.actor, e.now
    FROM ended AS e
    WHERE e.reason IS NULL AND e.delay = 0
)
SELECT h.id, g.id IS NOT NULL FROM held AS h LEFT JOIN gone AS g ON g.id = h.id
