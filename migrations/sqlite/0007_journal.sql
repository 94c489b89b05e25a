-- The journal as people ask for it: the newest of all, and what became of one conversation, in the order of time.

CREATE INDEX journal_by_time ON journal (app_id, at);

DROP INDEX journal_by_conversation;
CREATE INDEX journal_by_conversation ON journal (app_id, conversation_id, at);
