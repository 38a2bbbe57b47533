-- I15: settled deliveries of receiver $1 go to $2, but for signals that $2 has too. Under the registry's lock; by index, and
-- locked in key order, as what is done by hand does.
WITH held AS MATERIALIZED (
    SELECT t.signal, t.receiver
    FROM signals.settled AS t
    WHERE t.receiver = $1::bigint
      AND NOT EXISTS (SELECT FROM signals.delivery AS d WHERE d.receiver = $2::bigint AND d.signal = t.signal)
      AND NOT EXISTS (SELECT FROM signals.later AS l WHERE l.signal = t.signal AND l.receiver = $2::bigint)
      AND NOT EXISTS (SELECT FROM signals.settled AS o WHERE o.signal = t.signal AND o.receiver = $2::bigint)
    ORDER BY t.signal, t.receiver
    FOR UPDATE OF t
)
UPDATE signals.settled AS t SET receiver = $2::bigint
FROM held AS h
WHERE t.signal = h.signal AND t.receiver = h.receiver
