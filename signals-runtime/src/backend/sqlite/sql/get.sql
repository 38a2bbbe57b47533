-- Delivery (?1 signal, ?2 receiver), wherever it is. Read only; scans the receiver's lanes, the rest by primary key.
SELECT o.*, r.name AS receiver_name
FROM signals_overview AS o CROSS JOIN signals_receiver AS r ON r.id = o.receiver
WHERE o.signal = ?1 AND o.receiver = ?2
