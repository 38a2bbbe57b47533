-- W21: fails with "no such savepoint" when the transaction is another one by now, or none.
RELEASE signals_receiver
