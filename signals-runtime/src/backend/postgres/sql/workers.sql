-- The workers that were seen since $1 and have not stopped.
-- Read only; one row for each start of a process.
SELECT w.incarnation, w.host, w.pid, w.build, w.lanes, w.started, w.seen
FROM signals.worker AS w
WHERE w.seen >= $1::timestamptz AND w.stopped IS NULL
ORDER BY w.started, w.incarnation
