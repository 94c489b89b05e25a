-- The first schema. Applied files never change; add another one instead.
-- Every moment is an INTEGER of milliseconds since 1970, UTC. Ids are TEXT as Intercom writes them, and they
-- are unique only within a workspace, so every key begins with app_id.

PRAGMA application_id = 0x61636c64; -- "acld": how we know the file for ours

-- What must be remembered beside conversations: the workspace, our admin, the text key, the last complete look.
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Notifications seen, to know a repeat. Pruned after `retention`; a replay after that changes nothing all the same.
CREATE TABLE notification (
    app_id          TEXT NOT NULL,    -- workspace it came from
    id              TEXT NOT NULL,    -- Intercom's id, or a hash where it had none
    topic           TEXT NOT NULL,
    conversation_id TEXT,             -- NULL where it is about none
    fingerprint     TEXT NOT NULL,    -- of topic and data: a repeat that differs is folded in as well
    result          TEXT NOT NULL,    -- stored | ignored | foreign | quarantined
    received_at     INTEGER NOT NULL,
    PRIMARY KEY (app_id, id)
) WITHOUT ROWID;
CREATE INDEX notification_by_age ON notification (received_at);

-- Raw bodies of notifications kept aside, or of all of them where the operator asked for it. Pruned like the above.
CREATE TABLE notification_body (
    id          INTEGER PRIMARY KEY,
    app_id      TEXT NOT NULL,
    key         TEXT NOT NULL,        -- notification.id
    reason      TEXT NOT NULL,        -- why it was kept
    received_at INTEGER NOT NULL,
    body        BLOB NOT NULL
);
CREATE INDEX notification_body_by_age ON notification_body (received_at);

CREATE VIEW seen_notifications AS
    SELECT app_id, id, topic, conversation_id, received_at FROM notification;

-- The activity log: who did what, when, without a word of text. Nothing is ever taken out of it but by `forget`.
-- Whether a part by our admin is our own is not written here: that is decided with the attempts at hand.
CREATE TABLE activity (
    app_id          TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    part_id         TEXT NOT NULL,    -- '' where none was told; 'source:ID' for the opening message
    class           TEXT NOT NULL,    -- contact_reply, teammate_reply, …; one part can be several
    at              INTEGER NOT NULL, -- when Intercom says it happened
    actor           TEXT NOT NULL,    -- contact | teammate | bot | timer | unknown
    admin_id        TEXT,             -- which admin, if one did it
    digest          TEXT,             -- keyed digest of an admin's text
    PRIMARY KEY (app_id, conversation_id, part_id, class, at)
) WITHOUT ROWID;

-- The match-fact log: the facts that rules match on, a row whenever one of them changed.
CREATE TABLE fact (
    app_id          TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    updated_at      INTEGER NOT NULL, -- of the conversation, as Intercom says
    told_at         INTEGER NOT NULL, -- when the notification was made or the conversation fetched
    fetched         INTEGER NOT NULL, -- 1: asked for; 0: told by a notification
    notification_id TEXT NOT NULL,    -- '' where fetched
    state           TEXT,             -- open | snoozed | closed; NULL: not told
    snoozed_until   INTEGER,
    facts           TEXT NOT NULL,    -- JSON: tags, assignees, priority, Fin's resolution
    PRIMARY KEY (app_id, conversation_id, updated_at, told_at, fetched, notification_id)
) WITHOUT ROWID;

-- Conversations, folded: a function of the set of everything that was seen of them.
CREATE TABLE conversation (
    app_id          TEXT NOT NULL,
    id              TEXT NOT NULL,
    state           TEXT,             -- open | snoozed | closed; NULL: not known
    snoozed_until   INTEGER,          -- when Intercom will open it again
    facts           TEXT,             -- JSON: tags, assignees, priority; NULL: only its existence is known
    updated_at      INTEGER,          -- these four order the snapshot that state and facts come from
    fetched         INTEGER,
    told_at         INTEGER,
    notification_id TEXT,
    created_at      INTEGER,          -- when it began
    channel         TEXT,             -- source.type
    delivered_as    TEXT,             -- source.delivered_as
    flags           INTEGER NOT NULL, -- 1 ticket, 2 gone, 4 read whole
    latest          TEXT NOT NULL,    -- JSON [[class, actor, at, part], …]: the latest of each
    by_admin        TEXT,             -- JSON: the newest parts by the admin that we act as
    snooze_ends     TEXT,             -- JSON [at, …]: ends of snoozes seen
    due_at          INTEGER,          -- cache of decide(): when to look again; NULL: only a new fact changes anything
    fetch_at        INTEGER,          -- when to read it from Intercom; NULL: no need
    fetch_tries     INTEGER NOT NULL DEFAULT 0, -- how often reading failed in a row
    listed_at       INTEGER,          -- the last complete look that listed it
    PRIMARY KEY (app_id, id)
) WITHOUT ROWID;
CREATE INDEX conversation_due ON conversation (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX conversation_fetch ON conversation (fetch_at) WHERE fetch_at IS NOT NULL;

-- What we tried: one row per (period, step), written before any call that changes something.
CREATE TABLE attempt (
    id              INTEGER PRIMARY KEY,
    app_id          TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    rule            TEXT NOT NULL,
    step            TEXT NOT NULL,    -- 'reply 1', 'close'
    anchor_at       INTEGER NOT NULL, -- with the rule: the period
    due_at          INTEGER NOT NULL,
    phase           TEXT NOT NULL,    -- open | unclear | parked | done | raced | passed | failed
    outcome         TEXT NOT NULL,    -- done | raced | left | deferred | failed | unclear | dry_run | claimed
    why             TEXT NOT NULL,    -- the reason for the outcome, in words
    at              INTEGER NOT NULL, -- when the outcome was written
    first_at        INTEGER NOT NULL, -- when it was claimed first
    claimed_at      INTEGER NOT NULL, -- when it was claimed last
    claims          INTEGER NOT NULL DEFAULT 1, -- counts claims: whoever holds the last one may write, nobody else
    sent_at         INTEGER,          -- last call that may have had an effect; NULL: never
    done_at         INTEGER,          -- when our part was made, on Intercom's clock
    look_at         INTEGER,          -- unclear: when to look; parked: when to try again
    tries           INTEGER NOT NULL DEFAULT 0, -- definite refusals so far
    template        TEXT,             -- digest of the message template sent, NULL for none
    digest          TEXT,             -- keyed digest of the text sent, to find it again
    snoozed_until   INTEGER,          -- end of the snooze that it was in just before
    contact_at      INTEGER,          -- the contact's last reply as seen just before the call
    contact_part    TEXT,
    deeds           TEXT NOT NULL DEFAULT '[]', -- JSON [[at, part], …]: the parts that we made
    follow_up       TEXT,             -- what is still to do after it: restore_snooze | reopen
    follow_at       INTEGER,          -- when to do that
    follow_tries    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (app_id, conversation_id, rule, anchor_at, step)
);
CREATE INDEX attempt_unclear ON attempt (look_at) WHERE phase = 'unclear';
CREATE INDEX attempt_follow_up ON attempt (follow_at) WHERE follow_up IS NOT NULL;
CREATE INDEX attempt_sent ON attempt (sent_at) WHERE sent_at IS NOT NULL;

-- The journal: every outcome that changed something, with its reason and what it was decided on. Kept for ever.
CREATE TABLE journal (
    id              INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    app_id          TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    rule            TEXT NOT NULL,
    step            TEXT NOT NULL,
    do              TEXT NOT NULL,    -- reply | close
    outcome         TEXT NOT NULL,
    why             TEXT NOT NULL,
    inputs          TEXT NOT NULL     -- JSON: what the decision looked at
);
CREATE INDEX journal_by_conversation ON journal (app_id, conversation_id);
