-- T5, T7, T9: records how the attempts of ?1 ended, where the tokens match, as of ?2. ?1 is
-- [[receiver, version, id, signal, life, token, outcome, error, ran]…]. Under the write lock; by primary key.
INSERT INTO signals_attempt (signal, receiver, life, attempt, outcome, error, worker, ended_at, ran)
SELECT d.signal, d.receiver, d.life, d.attempt, j.value ->> 6, j.value ->> 7, (d.token >> 32) & 4294967295, ?2,
       j.value ->> 8
FROM jsonb_each(?1) AS j
CROSS JOIN signals_delivery AS d
    ON d.receiver = j.value ->> 0 AND d.version = j.value ->> 1 AND d.id = j.value ->> 2
   AND d.signal = j.value ->> 3 AND d.life = j.value ->> 4 AND d.token = j.value ->> 5
