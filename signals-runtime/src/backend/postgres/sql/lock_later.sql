-- T10: locks what waits of $1 (signals) and $2 (receivers), in key order. By primary key.
SELECT l.signal, l.receiver, 'ready' AS state, l.version, NULL::bigint AS id
FROM unnest($1::bigint[], $2::bigint[]) AS k (signal, receiver)
JOIN signals.later AS l ON l.signal = k.signal AND l.receiver = k.receiver
ORDER BY l.signal, l.receiver
FOR UPDATE OF l
