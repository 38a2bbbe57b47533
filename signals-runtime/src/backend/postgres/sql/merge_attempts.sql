-- I15: the history of what went from receiver $1 to $2. Under the registry's lock; by the index on receivers.
UPDATE signals.attempt AS a SET receiver = $2::bigint
WHERE a.receiver = $1::bigint
  AND NOT EXISTS (SELECT FROM signals.settled AS t WHERE t.signal = a.signal AND t.receiver = $1::bigint)
