-- Moves what is due by ?1, at most ?2, to the end of its lane under fresh ids. Under the write lock, by index;
-- promote_remove takes away the same rows.
INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds, actor, due_at)
SELECT l.receiver, l.version,
       (SELECT delivery FROM signals_counter WHERE one = 1)
           + row_number() OVER (ORDER BY l.due_at, l.signal, l.receiver),
       l.signal, l.life, l.attempt, l.lost_leases, l.refunds, l.actor, l.due_at
FROM (SELECT * FROM signals_later WHERE due_at <= +?1 ORDER BY due_at, signal, receiver LIMIT +?2) AS l
