-- The mark of a session that began with the options that it was given; NULL where a pooler kept them to itself. Read only.
SELECT pg_catalog.current_setting('signals.session', true)
