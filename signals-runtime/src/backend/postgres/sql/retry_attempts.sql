-- T11 of deliveries whose receivers were merged: the history of $1 (signals) and $2 (receivers) follows to receivers $3. By
-- index.
UPDATE signals.attempt AS a
SET receiver = k.heir
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (signal, receiver, heir)
WHERE a.signal = k.signal AND a.receiver = k.receiver AND k.heir <> k.receiver
