-- S4, W21: a mark that only a transaction has which was begun in the place of one that ended behind our back.
SAVEPOINT signals_lost
