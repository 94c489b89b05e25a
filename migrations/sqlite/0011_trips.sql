-- Rules that have stopped by themselves, because contacts reopened too much of what they closed. They stand among the
-- pauses: whoever is about to send looks there already.
ALTER TABLE pause ADD COLUMN by_name INTEGER NOT NULL DEFAULT 1; -- 0: nobody paused it, it has only tripped
ALTER TABLE pause ADD COLUMN tripped_at INTEGER;                 -- NULL: it has not tripped
ALTER TABLE pause ADD COLUMN trip_closes INTEGER;                -- so many closes were judged
ALTER TABLE pause ADD COLUMN trip_reopened INTEGER;              -- so many of them were reopened

-- 1: a trip was lifted after this close; it is judged no more.
ALTER TABLE attempt ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0;

-- The last closes of a rule.
CREATE INDEX attempt_closed ON attempt (rule, done_at) WHERE step = 'close' AND phase = 'done';
