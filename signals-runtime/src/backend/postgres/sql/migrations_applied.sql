-- Which migrations this database has. Read only; the table is tiny.
SELECT number, additive FROM signals.migration ORDER BY number
