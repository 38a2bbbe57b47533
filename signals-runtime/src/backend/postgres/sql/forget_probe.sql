-- T13: whether any signal was sent by $1. Read only; by primary key.
SELECT EXISTS (SELECT FROM signals.signal AS s WHERE s.id = (SELECT min(o.id) FROM signals.signal AS o) AND s.sent_at <= $1::timestamptz)
