-- Which migrations this database has. Read only; the table is tiny.
SELECT number, name, additive FROM signals_migration ORDER BY number
