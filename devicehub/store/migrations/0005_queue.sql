-- Runs that wait for a phone, and who asked for each run.

ALTER TABLE runs ADD COLUMN client TEXT;

-- One row a run; the two of a comparison have one entry, whose id is that of the first.
CREATE TABLE queue (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE CHECK (run_id <> ''),
    entry TEXT NOT NULL,
    client TEXT NOT NULL,
    submitted REAL NOT NULL,
    ask BLOB NOT NULL,
    owner_pid INTEGER,
    owner_started REAL,
    CHECK ((owner_pid IS NULL) = (owner_started IS NULL))
) STRICT;

CREATE INDEX queue_by_entry ON queue (entry);

-- A run waits or is there, never both and never neither, whoever writes it down.
CREATE TRIGGER runs_leave_the_queue AFTER INSERT ON runs
WHEN EXISTS (SELECT 1 FROM queue WHERE run_id = NEW.id)
BEGIN
    UPDATE runs SET client = (SELECT client FROM queue WHERE run_id = NEW.id) WHERE id = NEW.id;
    DELETE FROM queue WHERE run_id = NEW.id;
END;

CREATE TRIGGER queue_holds_no_run_that_has_begun BEFORE INSERT ON queue
WHEN EXISTS (SELECT 1 FROM runs WHERE id = NEW.run_id)
BEGIN
    SELECT RAISE(ABORT, 'a run that has begun does not wait');
END;
