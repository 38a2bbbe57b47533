-- T10: settles rows ($2 receivers, $3 versions, $4 ids) as $5 for reason $6 by $7, whoever runs them. $1: the time, or NULL
-- for the server's. After lock_deliveries, in the same transaction; by primary key.
-- No end of theirs is stored yet: whatever stores one removes the delivery in the same transaction, and what a foreign hand has
-- stored is found by `locate`, and counts as their end.
WITH ended AS (
    DELETE FROM signals.delivery AS d
    USING unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS k (receiver, version, id)
    WHERE d.receiver = k.receiver AND d.version = k.version AND d.id = k.id
    RETURNING d.signal, d.receiver, d.version, d.life, d.attempt, d.lost_leases, d.refunds
)
INSERT INTO signals.settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT e.signal, e.receiver, e.version, e.life, e.attempt, e.lost_leases, e.refunds, $5::text, $6::text, $7::text,
       coalesce($1::timestamptz, statement_timestamp()),
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM ended AS e LEFT JOIN signals.signal AS s ON s.id = e.signal
