-- T1 in one round, when it failed: undoes what was stored since send_open.
ROLLBACK TO signals_send
