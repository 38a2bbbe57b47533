-- T12: forgets at most $2 idempotency keys that were used by $1. Locks what it takes, past what others hold; by index, then
-- by ctid.
WITH old AS MATERIALIZED (
    SELECT k.ctid AS tid FROM signals.send_key AS k
    WHERE k.sent_at <= $1::timestamptz ORDER BY k.sent_at LIMIT $2::bigint
    FOR UPDATE OF k SKIP LOCKED
)
DELETE FROM signals.send_key AS k WHERE k.ctid = ANY (ARRAY(SELECT o.tid FROM old AS o))
