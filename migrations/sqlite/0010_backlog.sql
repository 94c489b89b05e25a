-- What is too late, or due in bulk all at once, waits here for an operator.

-- One step of one conversation that was due and is not done until somebody says so. New activity takes it out.
CREATE TABLE backlog (
    app_id          TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    rule            TEXT NOT NULL,
    step            TEXT NOT NULL,
    anchor_at       INTEGER NOT NULL, -- with rule and step: the attempt that waits
    due_at          INTEGER NOT NULL,
    reason          TEXT NOT NULL,    -- in words
    since           INTEGER NOT NULL, -- when it was put here
    release_at      INTEGER,          -- when an operator lets it go; NULL: it waits
    over_at         INTEGER,          -- set to take it out: then it is gone, and the attempt and the journal say so
    PRIMARY KEY (app_id, conversation_id)
) WITHOUT ROWID;
CREATE INDEX backlog_by_age ON backlog (app_id, due_at);

CREATE TRIGGER backlog_is_over AFTER UPDATE OF over_at ON backlog WHEN new.over_at IS NOT NULL BEGIN
    INSERT INTO journal (at, app_id, conversation_id, rule, step, do, outcome, why, inputs, attempt)
        SELECT new.over_at, app_id, conversation_id, rule, step,
            iif(instr(step, ' '), substr(step, 1, instr(step, ' ') - 1), step), 'left',
            'taken out of the backlog, as things have changed', '{}', id
        FROM attempt WHERE app_id = new.app_id AND conversation_id = new.conversation_id AND rule = new.rule
            AND anchor_at = new.anchor_at AND step = new.step AND phase = 'open' AND outcome = 'deferred';
    UPDATE attempt SET outcome = 'left', why = 'taken out of the backlog, as things have changed', at = new.over_at
        WHERE app_id = new.app_id AND conversation_id = new.conversation_id AND rule = new.rule
            AND anchor_at = new.anchor_at AND step = new.step AND phase = 'open' AND outcome = 'deferred';
    DELETE FROM backlog WHERE app_id = new.app_id AND conversation_id = new.conversation_id;
END;

-- How many wait and how many were let go, kept by the database itself, as health and metrics ask all the time.
CREATE TABLE backlog_count (
    released INTEGER PRIMARY KEY,     -- 0: waits; 1: an operator has let it go
    count    INTEGER NOT NULL
);
INSERT INTO backlog_count (released, count) VALUES (0, 0), (1, 0);

CREATE TRIGGER backlog_is_counted AFTER INSERT ON backlog BEGIN
    UPDATE backlog_count SET count = count + 1 WHERE released = (new.release_at IS NOT NULL);
END;
CREATE TRIGGER backlog_is_counted_no_more AFTER DELETE ON backlog BEGIN
    UPDATE backlog_count SET count = count - 1 WHERE released = (old.release_at IS NOT NULL);
END;
CREATE TRIGGER backlog_is_counted_elsewhere AFTER UPDATE OF release_at ON backlog
WHEN (old.release_at IS NULL) <> (new.release_at IS NULL) BEGIN
    UPDATE backlog_count SET count = count - 1 WHERE released = (old.release_at IS NOT NULL);
    UPDATE backlog_count SET count = count + 1 WHERE released = (new.release_at IS NOT NULL);
END;

-- Something made many steps due at once, or may have: before anything is done, what is due is counted. It stands here
-- until all of it was dealt with.
CREATE TABLE surge (
    rule   TEXT PRIMARY KEY,          -- of one rule; '' of all of them
    reason TEXT NOT NULL,             -- in words
    since  INTEGER NOT NULL,
    bulk   INTEGER NOT NULL DEFAULT 0 -- 1: counted, and too many: all of it goes to the backlog
) WITHOUT ROWID;

-- Up to when we know that nothing but our own waiting (a budget, a lost answer, a refusal) kept the step from being
-- done; NULL: it was never within reach.
ALTER TABLE attempt ADD COLUMN able_until INTEGER;
-- It is done as an operator has let it go from the backlog.
ALTER TABLE attempt ADD COLUMN released INTEGER NOT NULL DEFAULT 0;
