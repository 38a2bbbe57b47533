-- Where in the lanes deliveries ?1, [[signal, receiver]…], stand whose signals are from ?3 to ?4. Scans the lanes of the
-- receivers in JSON array ?2 by primary key, most rows no further than the comparison with the two bounds.
SELECT d.signal, d.receiver, d.version, d.id
FROM json_each(?2) AS w
CROSS JOIN signals_delivery AS d ON d.receiver = w.value
WHERE d.signal BETWEEN ?3 AND ?4
  AND (d.signal, d.receiver) IN (SELECT j.value ->> 0, j.value ->> 1 FROM json_each(?1) AS j)
