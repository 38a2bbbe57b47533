-- How many attempts of each receiver ended how within spans of time ($2 from, $3 before): outcome by outcome of $1, each up
-- to $4. Read only; by index.
SELECT r.id, r.name, b.at - 1 AS bucket, o.at - 1 AS outcome, c.count
FROM signals.receiver AS r
CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS o (outcome, at)
CROSS JOIN unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS b (start, before, at)
CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (
        SELECT FROM signals.attempt AS a
        WHERE a.receiver = r.id AND a.outcome = o.outcome AND a.ended_at >= b.start AND a.ended_at < b.before
        LIMIT $4::bigint) AS a
) AS c
WHERE c.count > 0
ORDER BY r.name COLLATE "C", r.id, b.at, o.at
