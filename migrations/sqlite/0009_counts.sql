-- Figures that an operator asks for at any time, kept by the database itself: none of them may take the longer the more
-- there is.

-- How many conversations are tracked.
CREATE TABLE conversation_count (
    app_id TEXT PRIMARY KEY,
    count  INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO conversation_count (app_id, count) SELECT app_id, count(*) FROM conversation GROUP BY app_id;

CREATE TRIGGER conversation_is_counted AFTER INSERT ON conversation BEGIN
    INSERT INTO conversation_count (app_id, count) VALUES (new.app_id, 1)
        ON CONFLICT (app_id) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER conversation_is_counted_no_more AFTER DELETE ON conversation BEGIN
    UPDATE conversation_count SET count = count - 1 WHERE app_id = old.app_id;
END;

-- How many notifications came, by what became of them. It goes on where the ids are forgotten after `retention`.
CREATE TABLE notification_count (
    result TEXT PRIMARY KEY,      -- notification.result, or 'duplicate'
    count  INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO notification_count (result, count) SELECT result, count(*) FROM notification GROUP BY result;

-- Before the insertion, as a repeat is counted and then not inserted.
CREATE TRIGGER notification_is_counted BEFORE INSERT ON notification BEGIN
    INSERT INTO notification_count (result, count) VALUES (new.result, 1)
        ON CONFLICT (result) DO UPDATE SET count = count + 1;
END;

-- Which step of which period a line of the journal is about; NULL for an operator's word, and in older lines.
ALTER TABLE journal ADD COLUMN attempt INTEGER;

-- In dry-run: whether it would have said something to the contact.
ALTER TABLE attempt ADD COLUMN would_say INTEGER NOT NULL DEFAULT 0;
CREATE INDEX attempt_rehearsed ON attempt (at) WHERE outcome = 'dry_run';
