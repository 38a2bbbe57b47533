-- T10: settles what waits of $2 (signals) and $3 (receivers) as $4 for reason $5 by $6. $1: the time, or NULL for the
-- server's. After lock_later, in the same transaction; by primary key. No end of theirs is stored yet: as in `end`.
WITH ended AS (
    DELETE FROM signals.later AS l
    USING unnest($2::bigint[], $3::bigint[]) AS k (signal, receiver)
    WHERE l.signal = k.signal AND l.receiver = k.receiver
    RETURNING l.signal, l.receiver, l.version, l.life, l.attempt, l.lost_leases, l.refunds
)
INSERT INTO signals.settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT e.signal, e.receiver, e.version, e.life, e.attempt, e.lost_leases, e.refunds, $4::text, $5::text, $6::text,
       coalesce($1::timestamptz, statement_timestamp()),
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM ended AS e LEFT JOIN signals.signal AS s ON s.id = e.signal
