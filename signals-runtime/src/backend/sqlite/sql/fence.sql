-- W21: a mark that only the transaction it was set in has.
SAVEPOINT signals_receiver
