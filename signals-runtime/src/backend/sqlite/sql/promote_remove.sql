-- Takes away what promote moved: the same rows in the same order. Under the write lock; by index.
DELETE FROM signals_later
WHERE (signal, receiver) IN (
    SELECT signal, receiver FROM signals_later WHERE due_at <= +?1 ORDER BY due_at, signal, receiver LIMIT +?2)
