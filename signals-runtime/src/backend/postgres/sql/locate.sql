-- T10, T11: where deliveries are that $1 (signals) and $2 (receivers) name pair by pair, in one snapshot. Read only. Scans
-- the lanes of the receivers, most rows no further than the comparison with the bounds of the signals, $3 and $4; what waits
-- and what is settled by primary key.
SELECT d.signal, d.receiver, CASE WHEN d.token IS NULL THEN 'ready' ELSE 'running' END AS state, d.version, d.id
FROM signals.delivery AS d
WHERE d.receiver IN (SELECT k.receiver FROM unnest($2::bigint[]) AS k (receiver))
  AND d.signal BETWEEN $3::bigint AND $4::bigint
  AND (d.signal, d.receiver) IN (SELECT k.signal, k.receiver FROM unnest($1::bigint[], $2::bigint[]) AS k (signal, receiver))
UNION ALL
SELECT l.signal, l.receiver, 'ready', l.version, NULL
FROM unnest($1::bigint[], $2::bigint[]) AS k (signal, receiver)
JOIN signals.later AS l ON l.signal = k.signal AND l.receiver = k.receiver
UNION ALL
SELECT t.signal, t.receiver, t.outcome, t.version, NULL
FROM unnest($1::bigint[], $2::bigint[]) AS k (signal, receiver)
JOIN signals.settled AS t ON t.signal = k.signal AND t.receiver = k.receiver
