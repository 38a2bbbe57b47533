-- The last id of a delivery that was drawn. Read only; one row.
SELECT delivery FROM signals_counter WHERE one = 1
