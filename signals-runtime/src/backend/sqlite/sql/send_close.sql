-- T1 in one round: keeps what was stored since send_open as part of the transaction.
RELEASE signals_send
