-- What operators do and look at. Additive: no statement of a send, a claim or an acknowledgement changes, nor has it more
-- to maintain.

-- The log of actions: one line for each thing done by hand, written in the transaction that did it. `subject` says to what:
-- a receiver's name, a delivery's id, a filter or a retention in words; `count` how many deliveries it changed.
CREATE TABLE signals_action (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    verb    TEXT NOT NULL,
    subject TEXT NOT NULL,
    count   INTEGER NOT NULL CHECK (count >= 0)
) STRICT;

-- Failures over time.
CREATE INDEX signals_attempt_trend ON signals_attempt (receiver, outcome, ended_at);

-- Since when a ready delivery that was delayed or came back has been due; NULL: since it was sent.
ALTER TABLE signals_delivery ADD COLUMN due_at INTEGER;
