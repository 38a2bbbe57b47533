-- T6: what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens; in key order) waits for the
-- microseconds in $8, or goes to the end of its lane where these are none; the attempt is refunded, at most $9 times in a
-- life. $1: the time, or NULL for the server's.
-- Answers the ids that are held, and whether it happened: where another statement had the row
-- in between it did not, and does when it is said again. Locks in key order; by primary key, then by ctid. Its commit waits for the
-- disk, alone or among others, whatever the session asks for.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
held AS MATERIALIZED (
    SELECT d.tid, k.id, k.delay
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
         AS k (receiver, version, id, signal, life, token, delay)
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
    RETURNING d.receiver, d.version, d.id, d.signal, d.life, d.lost_leases, d.actor,
              d.attempt - (d.refunds < $9::bigint AND d.attempt > 0)::integer AS attempt,
              d.refunds + (d.refunds < $9::bigint)::integer AS refunds
),
snoozed AS MATERIALIZED (
    SELECT g.*, h.delay, m.now FROM gone AS g JOIN held AS h ON h.id = g.id CROSS JOIN moment AS m
),
waiting AS (
    INSERT INTO signals.later (signal, receiver, version, due_at, life, attempt, lost_leases, refunds, actor)
    SELECT s.signal, s.receiver, s.version, s.now + s.delay * interval '1 microsecond', s.life, s.attempt, s.lost_leases,
           s.refunds, s.actor
    FROM snoozed AS s
    WHERE s.delay > 0
),
again AS (
    INSERT INTO signals.delivery (receiver, version, signal, life, attempt, lost_leases, refunds, actor, due_at)
    SELECT s.receiver, s.version, s.signal, s.life, s.attempt, s.lost_leases, s.refunds, s.actor, s.now
    FROM snoozed AS s
    WHERE s.delay = 0
)
SELECT h.id, g.id IS NOT NULL FROM held AS h LEFT JOIN gone AS g ON g.id = h.id
