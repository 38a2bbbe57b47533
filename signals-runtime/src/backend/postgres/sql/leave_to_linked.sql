-- Of builds that are broken on purpose, and of no other: takes away the deliveries of these signals ($1) to receivers that have
-- none of these names ($2).
-- In the sender's transaction, of rows that it has just stored. Reads the whole table.
DELETE FROM signals.delivery AS d
WHERE d.signal OPERATOR(pg_catalog.=) ANY ($1::bigint[])
  AND NOT EXISTS (
    SELECT FROM signals.receiver_name AS n
    WHERE n.receiver OPERATOR(pg_catalog.=) d.receiver AND n.name OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.text[])
  )
