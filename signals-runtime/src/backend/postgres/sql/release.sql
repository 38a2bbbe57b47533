-- T8: gives back what is held ($1 receivers, $2 versions, $3 ids, $4 signals, $5 lives, $6 tokens; in key order); the attempt
-- is refunded, at most $7 times in a life.
-- Answers the ids that are held, and whether it happened: where another statement had the row
-- in between it did not, and does when it is said again. Locks in key order; by primary key, then by ctid. Its commit waits for the
-- disk, alone or among others, whatever the session asks for.
WITH held AS MATERIALIZED (
    SELECT d.tid, k.id
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
         AS k (receiver, version, id, signal, life, token)
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
released AS (
    UPDATE signals.delivery AS d
    SET attempt = d.attempt - (d.refunds < $7::bigint AND d.attempt > 0)::integer,
        refunds = d.refunds + (d.refunds < $7::bigint)::integer,
        token = NULL, lease_until = NULL
    WHERE d.ctid = ANY (ARRAY(SELECT h.tid FROM held AS h))
    RETURNING d.id
)
SELECT h.id, r.id IS NOT NULL FROM held AS h LEFT JOIN released AS r ON r.id = h.id
