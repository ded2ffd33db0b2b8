-- What was asked last, of each phone and of all, so that it can be asked for again.

CREATE TABLE last_asks (
    -- '' is any phone.
    serialno TEXT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL,
    ask BLOB NOT NULL
) STRICT;

DROP TRIGGER runs_leave_the_queue;

-- A run waits or is there, never both and never neither, whoever writes it down.
CREATE TRIGGER runs_leave_the_queue AFTER INSERT ON runs
WHEN EXISTS (SELECT 1 FROM queue WHERE run_id = NEW.id)
BEGIN
    UPDATE runs SET client = (SELECT client FROM queue WHERE run_id = NEW.id) WHERE id = NEW.id;
    INSERT OR REPLACE INTO last_asks (serialno, run_id, ask)
    SELECT NEW.serialno, NEW.id, ask FROM queue WHERE run_id = NEW.id;
    INSERT OR REPLACE INTO last_asks (serialno, run_id, ask)
    SELECT '', NEW.id, ask FROM queue WHERE run_id = NEW.id;
    DELETE FROM queue WHERE run_id = NEW.id;
END;
