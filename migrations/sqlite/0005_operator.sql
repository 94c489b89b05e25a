-- What an operator has said by hand, beside the rules: it holds over restarts, and for every process on this database.

-- Conversations that are left alone. One whose end has passed stays, as what it kept waiting became due at that end.
CREATE TABLE hold (
    app_id          TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    since           INTEGER NOT NULL,
    until           INTEGER,          -- NULL: until it is released
    PRIMARY KEY (app_id, conversation_id)
) WITHOUT ROWID;

-- What does not act: one rule by its name, or all of it under the empty name.
CREATE TABLE pause (
    rule  TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) WITHOUT ROWID;

-- What may be taken up again, by rule: a resumed rule goes on at once with what it had to put off.
CREATE INDEX attempt_open ON attempt (rule) WHERE phase = 'open' AND outcome = 'deferred';
