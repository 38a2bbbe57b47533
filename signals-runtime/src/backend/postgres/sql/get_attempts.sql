-- The failed attempts and lost leases of delivery ($1 signal, $2 receiver), oldest first. Read only; by index.
SELECT life, attempt, outcome, error, worker, ended_at, ran
FROM signals.attempt WHERE signal = $1 AND receiver = $2 ORDER BY id
