-- T11 of a delivery whose receiver was merged: its history follows it to receiver ?3. Under the write lock; by index.
UPDATE signals_attempt SET receiver = ?3 WHERE signal = ?1 AND receiver = ?2
