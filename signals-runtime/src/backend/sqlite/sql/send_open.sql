-- T1 in one round: what follows is undone together.
SAVEPOINT signals_send
