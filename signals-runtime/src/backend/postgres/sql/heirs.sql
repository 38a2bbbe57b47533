-- The receivers that were merged, and who took over their names. Small.
SELECT id, merged FROM signals.receiver WHERE merged IS NOT NULL
