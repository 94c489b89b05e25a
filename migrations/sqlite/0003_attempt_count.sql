-- How many (period, step)s stand at each outcome, kept by the database itself: whoever asks often, as metrics do, must
-- not go through all attempts ever made.
CREATE TABLE attempt_count (
    rule    TEXT NOT NULL,
    outcome TEXT NOT NULL,        -- attempt.outcome
    count   INTEGER NOT NULL,
    PRIMARY KEY (rule, outcome)
) WITHOUT ROWID;

INSERT INTO attempt_count (rule, outcome, count) SELECT rule, outcome, count(*) FROM attempt GROUP BY rule, outcome;

CREATE TRIGGER attempt_is_counted AFTER INSERT ON attempt BEGIN
    INSERT INTO attempt_count (rule, outcome, count) VALUES (new.rule, new.outcome, 1)
        ON CONFLICT (rule, outcome) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER attempt_is_counted_elsewhere AFTER UPDATE OF rule, outcome ON attempt
WHEN old.rule <> new.rule OR old.outcome <> new.outcome BEGIN
    UPDATE attempt_count SET count = count - 1 WHERE rule = old.rule AND outcome = old.outcome;
    INSERT INTO attempt_count (rule, outcome, count) VALUES (new.rule, new.outcome, 1)
        ON CONFLICT (rule, outcome) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER attempt_is_counted_no_more AFTER DELETE ON attempt BEGIN
    UPDATE attempt_count SET count = count - 1 WHERE rule = old.rule AND outcome = old.outcome;
END;
