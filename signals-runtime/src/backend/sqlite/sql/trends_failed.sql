-- How many attempts of each receiver ended how within spans of time ?2, [[from, before]…]: outcome by outcome of JSON array
-- ?1, each up to ?3. Read only; by index.
SELECT * FROM (
    SELECT r.id, r.name, b.key AS bucket, o.key AS outcome,
           (SELECT count(*) FROM (
                SELECT 1 FROM signals_attempt AS a
                WHERE a.receiver = r.id AND a.outcome = o.value
                  AND a.ended_at >= b.value ->> 0 AND a.ended_at < b.value ->> 1 LIMIT +?3)) AS count
    FROM signals_receiver AS r CROSS JOIN json_each(?1) AS o CROSS JOIN json_each(?2) AS b)
WHERE count > 0
