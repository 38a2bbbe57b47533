-- The server's clock. Read only.
SELECT statement_timestamp()
