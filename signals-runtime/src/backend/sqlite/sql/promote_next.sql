-- When the next delivery is due. Read only; by index.
SELECT due_at FROM signals_later ORDER BY due_at LIMIT 1
