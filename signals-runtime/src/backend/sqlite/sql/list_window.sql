-- How far down from signal ?1 one page looks: the lowest of the next ?2 signals that exist, and how many there are. Read
-- only; by primary key, so that gaps cost nothing.
SELECT min(w.signal), count(*)
FROM (
    SELECT * FROM (SELECT id AS signal FROM signals_signal WHERE id <= ?1 ORDER BY id DESC LIMIT +?2)
    UNION
    SELECT * FROM (SELECT DISTINCT signal FROM signals_settled WHERE signal <= ?1 ORDER BY signal DESC LIMIT +?2)
    ORDER BY 1 DESC LIMIT +?2) AS w
