-- Which deliveries one page tells, with their places in lanes ?1, [[receiver, version]…]: of signals from ?9 to ?4, behind
-- (?4, ?5), at most ?6; ready ones if ?7, running ones if ?8, settled ones with an outcome in JSON array ?2; of the signal
-- named ?3, sent by ?10, sent after ?11, with an error that contains ?12, each if it is not NULL. ?13: there is little in all,
-- and it is found by the lane indexes; otherwise by primary key from ?4 down to ?9. Read only; lanes are scanned, most rows no
-- further than the comparison with the two bounds.
SELECT k.signal, k.receiver, k.version, k.id
FROM (
    SELECT * FROM (
        SELECT d.signal, d.receiver, d.version, d.id
        FROM json_each(?1) AS j
        CROSS JOIN signals_delivery AS d ON d.receiver = j.value ->> 0 AND d.version = j.value ->> 1
        WHERE (?7 OR ?8) AND d.signal BETWEEN ?9 AND ?4 AND ((?7 AND d.token IS NULL) OR (?8 AND d.token IS NOT NULL))
          AND (d.signal < ?4 OR d.receiver > ?5)
          AND ((?3 IS NULL AND ?10 IS NULL AND ?11 IS NULL) OR EXISTS (
            SELECT 1 FROM signals_signal AS s
            WHERE s.id = d.signal AND (?3 IS NULL OR s.name = ?3)
              AND (?10 IS NULL OR s.sent_at <= ?10) AND (?11 IS NULL OR s.sent_at > ?11)))
          AND (?12 IS NULL OR EXISTS (
            SELECT 1 FROM signals_attempt AS a
            WHERE a.signal = d.signal AND a.receiver = d.receiver AND instr(lower(a.error), ?12) > 0))
        ORDER BY d.signal DESC, d.receiver LIMIT +?6)
    UNION ALL
    SELECT * FROM (
        SELECT l.signal, l.receiver, NULL, NULL
        FROM json_each(?1) AS j
        CROSS JOIN signals_later AS l INDEXED BY signals_later_lane
            ON l.receiver = j.value ->> 0 AND l.version = j.value ->> 1
        WHERE ?7 AND ?13 AND l.signal <= ?4 AND (l.signal < ?4 OR l.receiver > ?5)
          AND ((?3 IS NULL AND ?10 IS NULL AND ?11 IS NULL) OR EXISTS (
            SELECT 1 FROM signals_signal AS s
            WHERE s.id = l.signal AND (?3 IS NULL OR s.name = ?3)
              AND (?10 IS NULL OR s.sent_at <= ?10) AND (?11 IS NULL OR s.sent_at > ?11)))
          AND (?12 IS NULL OR EXISTS (
            SELECT 1 FROM signals_attempt AS a
            WHERE a.signal = l.signal AND a.receiver = l.receiver AND instr(lower(a.error), ?12) > 0))
        ORDER BY l.signal DESC, l.receiver LIMIT +?6)
    UNION ALL
    SELECT * FROM (
        SELECT l.signal, l.receiver, NULL, NULL
        FROM signals_later AS l
        WHERE ?7 AND NOT ?13 AND l.signal BETWEEN ?9 AND ?4 AND (l.signal < ?4 OR +l.receiver > ?5)
          AND (+l.receiver, +l.version) IN (SELECT j.value ->> 0, j.value ->> 1 FROM json_each(?1) AS j)
          AND ((?3 IS NULL AND ?10 IS NULL AND ?11 IS NULL) OR EXISTS (
            SELECT 1 FROM signals_signal AS s
            WHERE s.id = l.signal AND (?3 IS NULL OR s.name = ?3)
              AND (?10 IS NULL OR s.sent_at <= ?10) AND (?11 IS NULL OR s.sent_at > ?11)))
          AND (?12 IS NULL OR EXISTS (
            SELECT 1 FROM signals_attempt AS a
            WHERE a.signal = l.signal AND a.receiver = l.receiver AND instr(lower(a.error), ?12) > 0))
        ORDER BY l.signal DESC, l.receiver LIMIT +?6)
    UNION ALL
    SELECT * FROM (
        SELECT t.signal, t.receiver, NULL, NULL
        FROM json_each(?1) AS j
        CROSS JOIN json_each(?2) AS o
        CROSS JOIN signals_settled AS t INDEXED BY signals_settled_lane
            ON t.receiver = j.value ->> 0 AND t.version = j.value ->> 1 AND t.outcome = o.value
        WHERE ?13 AND t.signal <= ?4 AND (t.signal < ?4 OR t.receiver > ?5)
          AND (?3 IS NULL OR t.name = ?3) AND (?10 IS NULL OR t.sent_at <= ?10) AND (?11 IS NULL OR t.sent_at > ?11)
          AND ((t.outcome = 'dead' AND instr(lower(t.reason), ?12) > 0) OR (?12 IS NULL OR EXISTS (
            SELECT 1 FROM signals_attempt AS a
            WHERE a.signal = t.signal AND a.receiver = t.receiver AND instr(lower(a.error), ?12) > 0)))
        ORDER BY t.signal DESC, t.receiver LIMIT +?6)
    UNION ALL
    SELECT * FROM (
        SELECT t.signal, t.receiver, NULL, NULL
        FROM signals_settled AS t
        WHERE NOT ?13 AND ?2 <> '[]' AND t.signal BETWEEN ?9 AND ?4 AND (t.signal < ?4 OR +t.receiver > ?5)
          AND (+t.receiver, +t.version) IN (SELECT j.value ->> 0, j.value ->> 1 FROM json_each(?1) AS j)
          AND +t.outcome IN (SELECT value FROM json_each(?2))
          AND (?3 IS NULL OR t.name = ?3) AND (?10 IS NULL OR t.sent_at <= ?10) AND (?11 IS NULL OR t.sent_at > ?11)
          AND ((t.outcome = 'dead' AND instr(lower(t.reason), ?12) > 0) OR (?12 IS NULL OR EXISTS (
            SELECT 1 FROM signals_attempt AS a
            WHERE a.signal = t.signal AND a.receiver = t.receiver AND instr(lower(a.error), ?12) > 0)))
        ORDER BY t.signal DESC, t.receiver LIMIT +?6)
) AS k
ORDER BY k.signal DESC, k.receiver
LIMIT +?6
