-- The receiver that took over the names of receiver ?1. By primary key.
SELECT merged FROM signals_receiver WHERE id = ?1 AND merged IS NOT NULL
