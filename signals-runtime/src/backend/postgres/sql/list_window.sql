-- How far down from signal $1 one page looks: the lowest of the next $2 signals that exist, and how many there are. Read
-- only; by primary key, so that gaps cost nothing.
SELECT min(w.signal), count(*)
FROM (
    (SELECT s.id AS signal FROM signals.signal AS s WHERE s.id <= $1::bigint ORDER BY s.id DESC LIMIT $2::bigint)
    UNION
    (SELECT DISTINCT t.signal FROM signals.settled AS t WHERE t.signal <= $1::bigint ORDER BY t.signal DESC LIMIT $2::bigint)
    ORDER BY signal DESC
    LIMIT $2::bigint
) AS w
