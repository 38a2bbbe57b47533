-- The workers that were seen in the last $2 microseconds and have not stopped. $1: the time, or NULL for the server's.
-- Read only; one row for each start of a process.
SELECT w.incarnation, w.host, w.pid, w.build, w.lanes, w.started, w.seen
FROM signals.worker AS w
WHERE w.seen >= coalesce($1::timestamptz, statement_timestamp()) - $2::bigint * interval '1 microsecond' AND w.stopped IS NULL
ORDER BY w.started, w.incarnation
