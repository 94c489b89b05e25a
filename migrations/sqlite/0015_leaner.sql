-- Seen notifications in the order in which they came: a row is added at the end of the table, and the index by age need not
-- repeat the key. The index of keys is made once all rows are there: they are sorted for it, and not put in at random.
DROP VIEW seen_notifications;
DROP TRIGGER notification_is_counted;
-- First, so that its pages hold some of what is copied.
DROP INDEX notification_by_age;
ALTER TABLE notification RENAME TO notification_before;

CREATE TABLE notification (
    seq             INTEGER PRIMARY KEY, -- in the order of arrival; named, so that VACUUM keeps it
    app_id          TEXT NOT NULL,       -- workspace it came from
    id              TEXT NOT NULL,       -- Intercom's id, or a hash where it had none
    topic           TEXT NOT NULL,
    conversation_id TEXT,                -- NULL where it is about none
    fingerprint     BLOB NOT NULL,       -- 8 bytes of a hash of topic and data: a repeat that differs is folded in as well
    result          TEXT NOT NULL,       -- stored | ignored | foreign | quarantined
    received_at     INTEGER NOT NULL
);

INSERT INTO notification (app_id, id, topic, conversation_id, fingerprint, result, received_at)
    SELECT app_id, id, topic, conversation_id, coalesce(unhex(substr(fingerprint, 1, 16)), x''), result, received_at
    FROM notification_before ORDER BY received_at;

-- First without a WHERE: unlike DROP TABLE, that copies no page aside before it overwrites it.
DELETE FROM notification_before;
DROP TABLE notification_before;

CREATE UNIQUE INDEX notification_by_key ON notification (app_id, id);
CREATE INDEX notification_by_age ON notification (received_at);

CREATE VIEW seen_notifications AS
    SELECT app_id, id, topic, conversation_id, received_at FROM notification;

-- Before the insertion, as a repeat is counted and then not inserted.
CREATE TRIGGER notification_is_counted BEFORE INSERT ON notification BEGIN
    INSERT INTO notification_count (result, count) VALUES (new.result, 1)
        ON CONFLICT (result) DO UPDATE SET count = count + 1;
END;
