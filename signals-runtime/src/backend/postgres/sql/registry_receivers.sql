-- All receivers that have names. Small.
SELECT id, name, type, paused, retired FROM signals.receiver WHERE merged IS NULL
