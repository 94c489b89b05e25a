-- Which changes no webhook told, so that health can say so.

-- Since when somebody listens for webhooks, and when nobody did last. One row, written at the first start.
CREATE TABLE listening (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    since      INTEGER NOT NULL,     -- the first start
    alive_at   INTEGER NOT NULL,     -- the last sign of life
    deaf_from  INTEGER NOT NULL,     -- the last sign of life before the last start
    deaf_until INTEGER NOT NULL      -- the last start
);

-- Parts by others that reading a conversation showed first. Pruned after `retention`.
CREATE TABLE untold (
    app_id          TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    part_id         TEXT NOT NULL,
    at              INTEGER NOT NULL, -- when Intercom says it happened
    found_at        INTEGER NOT NULL, -- when it was read
    told_at         INTEGER,          -- when a webhook told it after all
    PRIMARY KEY (app_id, conversation_id, part_id)
) WITHOUT ROWID;
CREATE INDEX untold_by_age ON untold (found_at);
