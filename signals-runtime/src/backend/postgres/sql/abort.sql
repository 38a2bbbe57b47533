-- S4: fails, so that the transaction cannot be committed any more: what this says is what the server's log shows.
DO $$ BEGIN RAISE EXCEPTION 'a signal could not be stored: this transaction must not be committed'; END $$
