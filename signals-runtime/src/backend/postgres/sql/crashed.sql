-- T9: what lost its last lease is dead, for reason $5: of lanes ($2 receivers, $3 versions), where $4 lost leases are too
-- many; not of a paused receiver. $6, $7: what its history says. $1: the time, or NULL for the server's.
-- What nobody but a foreign hand can have written stops nothing: without its signal a delivery stays where it is, and where
-- its end is stored already it goes without another.
-- Locks what it takes, in key order, past what others hold; by the small index on what has lost leases before, then by ctid.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
),
held AS MATERIALIZED (
    SELECT d.tid
    FROM unnest($2::bigint[], $3::bigint[]) AS l (receiver, version)
    CROSS JOIN LATERAL (
        SELECT d.ctid AS tid
        FROM signals.delivery AS d
        WHERE d.receiver = l.receiver AND d.version = l.version AND d.lost_leases > 0
          AND d.lease_until <= (SELECT m.now FROM moment AS m) AND d.lost_leases + 1 >= $4::bigint
          AND EXISTS (SELECT FROM signals.signal AS s WHERE s.id = d.signal OFFSET 0)
        ORDER BY d.receiver, d.version, d.id
        LIMIT 100
        FOR UPDATE OF d SKIP LOCKED
    ) AS d
    WHERE NOT (SELECT r.paused FROM signals.receiver AS r WHERE r.id = l.receiver)
),
crashed AS (
    DELETE FROM signals.delivery AS d
    WHERE d.ctid = ANY (ARRAY(SELECT h.tid FROM held AS h))
    RETURNING d.receiver, d.version, d.signal, d.life, d.attempt, d.lost_leases, d.refunds, d.actor, d.token
),
recorded AS (
    INSERT INTO signals.attempt (signal, receiver, life, attempt, outcome, error, worker, ended_at)
    SELECT c.signal, c.receiver, c.life, c.attempt, $6::text, $7::text, (c.token >> 32) & 4294967295, m.now
    FROM crashed AS c CROSS JOIN moment AS m
),
dead AS (
    INSERT INTO signals.settled
        (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, settled_at,
         name, sent_at, payload, correlation, causation, traceparent, build, fanout)
    SELECT c.signal, c.receiver, c.version, c.life, c.attempt, c.lost_leases + 1, c.refunds, 'dead', $5::text, c.actor,
           m.now, s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
    FROM crashed AS c CROSS JOIN moment AS m
    LEFT JOIN LATERAL (SELECT s.* FROM signals.signal AS s WHERE s.id = c.signal OFFSET 0) AS s ON true
    ON CONFLICT (signal, receiver) DO NOTHING
)
SELECT c.signal, c.receiver, c.lost_leases + 1 FROM crashed AS c
