-- T11: locks what is settled of $1 (signals) and $2 (receivers), in key order. By primary key.
SELECT t.signal, t.receiver, t.outcome AS state, t.version, NULL::bigint AS id
FROM unnest($1::bigint[], $2::bigint[]) AS k (signal, receiver)
JOIN signals.settled AS t ON t.signal = k.signal AND t.receiver = k.receiver
ORDER BY t.signal, t.receiver
FOR UPDATE OF t
