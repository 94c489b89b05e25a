-- Who may act on this database: one row. The epoch grows whenever somebody takes over, and whoever still goes by an
-- older one changes no attempt. Clocks of other machines are not compared: the beat is counted, and whoever waits sees
-- by a clock of its own for how long it has stood still.
CREATE TABLE lease (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    epoch  INTEGER NOT NULL, -- how often somebody took over
    holder TEXT,             -- drawn at random when it was taken; NULL: given back
    proof  TEXT,             -- the lock that the holder has beside the file; NULL: none
    beat   INTEGER NOT NULL  -- grows with every sign of life of the holder
);
INSERT INTO lease (one, epoch, holder, proof, beat) VALUES (1, 0, NULL, NULL, 0);
