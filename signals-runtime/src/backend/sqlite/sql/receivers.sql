-- The receivers that have names, with all of them as a JSON array. Read only; the tables are small.
SELECT r.id, r.name, t.name AS signal, r.paused, r.retired,
       (SELECT json_group_array(n.name ORDER BY n.name) FROM signals_receiver_name AS n
        WHERE n.receiver = r.id AND n.name <> r.name) AS aliases
FROM signals_receiver AS r JOIN signals_signal_type AS t ON t.id = r.type
WHERE r.merged IS NULL
ORDER BY r.name
