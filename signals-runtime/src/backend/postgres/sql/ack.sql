-- T4: settles what is held ($2 receivers, $3 versions, $4 ids, $5 signals, $6 lives, $7 tokens; in key order), keeping those
-- of $8 in history with $9, the microseconds each ran. $1: the time, or NULL for the server's.
-- Answers the ids that are held, and whether it happened: where another statement had the row
-- in between it did not, and does when it is said again. Locks in key order; by primary key, then by ctid. Its commit waits for the
-- disk, alone or among others, whatever the session asks for. (`+ 0`:
-- attempts by their deliveries' index, not by that on receivers.)
WITH held AS MATERIALIZED (
    SELECT d.tid, k.id, k.keep, k.ran
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[],
                $9::bigint[])
         AS k (receiver, version, id, signal, life, token, keep, ran)
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
done AS MATERIALIZED (
    SELECT g.*, h.keep, h.ran FROM gone AS g JOIN held AS h ON h.id = g.id
),
kept AS (
    INSERT INTO signals.settled
        (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, actor, ran, settled_at,
         name, sent_at, correlation, causation, traceparent, build)
    SELECT d.signal, d.receiver, d.version, d.life, d.attempt, d.lost_leases, d.refunds, 'done', d.actor, d.ran,
           coalesce($1::timestamptz, statement_timestamp()),
           s.name, s.sent_at, s.correlation, s.causation, s.traceparent, s.build
    FROM done AS d
    LEFT JOIN LATERAL (SELECT s.* FROM signals.signal AS s WHERE s.id = d.signal OFFSET 0) AS s ON true
    WHERE d.keep
    ON CONFLICT (signal, receiver) DO NOTHING -- a foreign hand's row must not fail the others
),
unkept AS (
    DELETE FROM signals.attempt AS a
    WHERE a.ctid = ANY (ARRAY(
        SELECT a.tid
        FROM done AS d
        CROSS JOIN LATERAL (
            SELECT a.ctid AS tid FROM signals.attempt AS a WHERE a.signal = d.signal AND a.receiver + 0 = d.receiver OFFSET 0
        ) AS a
        WHERE NOT d.keep AND (d.attempt > 1 OR d.lost_leases > 0 OR d.refunds > 0 OR d.life > 0)))
)
SELECT h.id, g.id IS NOT NULL FROM held AS h LEFT JOIN gone AS g ON g.id = h.id
