-- I15: who paused or retired receiver ?1 had a reason, which ?2 takes over. Under the write lock; by primary key.
UPDATE signals_receiver
SET paused = max(signals_receiver.paused, gone.paused), retired = max(signals_receiver.retired, gone.retired)
FROM signals_receiver AS gone
WHERE signals_receiver.id = ?2 AND gone.id = ?1
