-- I15: who paused or retired receiver $1 had a reason, which $2 takes over. Under the registry's lock; by primary key.
UPDATE signals.receiver AS r
SET paused = r.paused OR gone.paused, retired = r.retired OR gone.retired
FROM signals.receiver AS gone
WHERE r.id = $2::bigint AND gone.id = $1::bigint
