-- The workers that were seen since ?1 and have not stopped. Read only; one row for each start of a process.
SELECT incarnation, host, pid, build, lanes, started, seen
FROM signals_worker WHERE seen >= ?1 AND stopped IS NULL ORDER BY started, incarnation
