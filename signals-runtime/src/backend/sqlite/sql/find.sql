-- T10 and T11: where delivery (?1 signal, ?2 receiver) is. Scans the receiver's lanes; the rest by primary key.
SELECT state, version, life FROM signals_overview WHERE signal = ?1 AND receiver = ?2
