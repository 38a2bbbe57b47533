-- T11: a new life for what is dead or cancelled of $2 (signals) and $3 (receivers), by $4, in the order in which they are
-- named. $1: the time, or NULL for the server's. After lock_settled, in the same transaction; by primary key.
WITH gone AS (
    DELETE FROM signals.settled AS t
    USING unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS k (signal, receiver, at)
    WHERE t.signal = k.signal AND t.receiver = k.receiver AND t.outcome IN ('dead', 'cancelled')
    RETURNING t.signal, t.receiver, t.version, t.life, k.at
)
INSERT INTO signals.delivery (receiver, version, signal, life, actor, due_at)
SELECT g.receiver, g.version, g.signal, g.life + 1, $4::text, coalesce($1::timestamptz, statement_timestamp())
FROM gone AS g
ORDER BY g.at
