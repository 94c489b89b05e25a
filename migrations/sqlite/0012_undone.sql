-- Closes that an operator has had taken back. Both are written before the call that opens the conversation again.
ALTER TABLE attempt ADD COLUMN undone_at INTEGER;                        -- when; from then on no rule touches the conversation until a person speaks
ALTER TABLE attempt ADD COLUMN undo_awaited INTEGER NOT NULL DEFAULT 0;  -- 1: how that went is not known, or not all of it is done
