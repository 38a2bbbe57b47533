-- Pauses or resumes ($2) or retires or restores ($3) receiver $1, or whoever took over its names; NULL being as it is.
-- Answers its name when that changes anything. Under the registry's lock; locks one row, by primary key.
UPDATE signals.receiver AS r
SET paused = coalesce($2::boolean, r.paused), retired = coalesce($3::boolean, r.retired)
WHERE r.id = (SELECT coalesce(m.merged, m.id) FROM signals.receiver AS m WHERE m.id = $1::bigint)
  AND (r.paused <> coalesce($2::boolean, r.paused) OR r.retired <> coalesce($3::boolean, r.retired))
RETURNING r.name
