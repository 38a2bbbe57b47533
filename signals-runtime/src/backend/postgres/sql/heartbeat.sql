-- Notes that worker $2 is alive and knows the lanes $3. $1: the time, or NULL for the server's. By primary key.
UPDATE signals.worker AS w
SET lanes = $3, seen = greatest(w.seen, coalesce($1::timestamptz, statement_timestamp())), stopped = NULL
WHERE w.incarnation = $2
