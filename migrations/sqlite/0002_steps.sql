-- What the steps beyond reply and close need.

-- JSON: what the attempt changed of the facts that rules match on, as it was before and is since, so that a rule can
-- think its own changes away.
ALTER TABLE attempt ADD COLUMN changes TEXT NOT NULL DEFAULT '[]';

-- JSON: what is still to become so after the deed (a close's tags and attributes); NULL for nothing.
ALTER TABLE attempt ADD COLUMN wishes TEXT;
