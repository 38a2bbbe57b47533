-- Everything that is registered, and which migrations this database has: one row of lists, and so one snapshot. Receivers that
-- were merged have no names any more, and are left out. Read only; reads small tables whole.
SELECT ARRAY(SELECT (m.number, m.additive) FROM signals.migration AS m),
       g.last_type, g.last_receiver,
       ARRAY(SELECT (t.id, t.name) FROM signals.signal_type AS t),
       ARRAY(SELECT (n.name, n.type) FROM signals.signal_name AS n),
       ARRAY(SELECT (r.id, r.name, r.type, r.paused, r.retired) FROM signals.receiver AS r WHERE r.merged IS NULL),
       ARRAY(SELECT (n.name, n.receiver) FROM signals.receiver_name AS n)
FROM signals.registry AS g
