-- What operators do and look at. Additive: no statement of a send, a claim or an acknowledgement changes, nor has it more
-- to maintain.

-- The log of actions: one line for each thing done by hand, written in the transaction that did it. `subject` says to what:
-- a receiver's name, a delivery's id, a filter or a retention in words; `count` how many deliveries it changed.
CREATE TABLE signals.action (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    count   bigint NOT NULL CHECK (count >= 0),
    actor   text NOT NULL,
    verb    text NOT NULL,
    subject text NOT NULL
);

-- Failures over time.
CREATE INDEX attempt_trend ON signals.attempt (receiver, outcome, ended_at);

-- Since when a ready delivery that was delayed or came back has been due; NULL: since it was sent.
ALTER TABLE signals.delivery ADD COLUMN due_at timestamptz;
