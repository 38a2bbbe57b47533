-- Pauses or resumes (?2) or retires or restores (?3) receiver ?1, or whoever took over its
-- names; NULL being as it is. Answers its name when that changes
-- anything. Under the write lock; by primary key.
UPDATE signals_receiver SET paused = coalesce(?2, paused), retired = coalesce(?3, retired)
WHERE id = (SELECT coalesce(m.merged, m.id) FROM signals_receiver AS m WHERE m.id = ?1)
  AND (paused <> coalesce(?2, paused) OR retired <> coalesce(?3, retired))
RETURNING name
