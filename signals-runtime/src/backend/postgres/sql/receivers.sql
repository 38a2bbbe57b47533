-- The receivers that have names, with all of them. Read only; the tables are small.
SELECT r.id, r.name, t.name AS signal, r.paused, r.retired,
       ARRAY(SELECT n.name FROM signals.receiver_name AS n
             WHERE n.receiver = r.id AND n.name <> r.name ORDER BY n.name COLLATE "C") AS aliases
FROM signals.receiver AS r JOIN signals.signal_type AS t ON t.id = r.type
WHERE r.merged IS NULL
ORDER BY r.name COLLATE "C"
