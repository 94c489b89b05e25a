-- Conversations that an operator has had forgotten. They may live on in Intercom, and must not be taken up again.
CREATE TABLE forgotten (
    mark TEXT PRIMARY KEY,            -- keyed digest of workspace and id; neither is written here
    at   INTEGER NOT NULL             -- when
) WITHOUT ROWID;
