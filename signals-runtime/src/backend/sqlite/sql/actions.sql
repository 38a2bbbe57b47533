-- The log of actions before line ?1, newest first, at most ?2 lines. Read only; by primary key.
SELECT id, at, actor, verb, subject, count FROM signals_action WHERE id < ?1 ORDER BY id DESC LIMIT +?2
