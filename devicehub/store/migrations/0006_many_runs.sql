-- What is asked all day long must not read a million runs.

-- (highest - lowest) / median over the launches that count; null for one launch. Of the end that counts.
ALTER TABLE runs ADD COLUMN decode_spread REAL;

-- All that a page of runs is filtered by. There are few kinds, so a filter is held against these, and what it
-- lets pass is found without a look at any other run.
CREATE TABLE kinds (
    id INTEGER NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    serial TEXT NOT NULL,
    serialno TEXT NOT NULL,
    model TEXT NOT NULL,
    engine TEXT NOT NULL,
    workload TEXT NOT NULL,
    UNIQUE (state, serial, serialno, model, engine, workload)
) STRICT;

CREATE TABLE listed (
    kind INTEGER NOT NULL REFERENCES kinds (id),
    created REAL NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (kind, created, id)
) STRICT, WITHOUT ROWID;

INSERT INTO kinds (state, serial, serialno, model, engine, workload)
SELECT DISTINCT state, serial, serialno, model, engine, workload FROM runs;

INSERT INTO listed (kind, created, id)
SELECT kinds.id, runs.created, runs.id
FROM runs JOIN kinds USING (state, serial, serialno, model, engine, workload)
ORDER BY 1, 2, 3;

CREATE TRIGGER listed_begun AFTER INSERT ON runs
BEGIN
    INSERT OR IGNORE INTO kinds (state, serial, serialno, model, engine, workload)
    VALUES (NEW.state, NEW.serial, NEW.serialno, NEW.model, NEW.engine, NEW.workload);
    INSERT INTO listed (kind, created, id)
    SELECT kinds.id, NEW.created, NEW.id FROM kinds
    WHERE state = NEW.state AND serial = NEW.serial AND serialno = NEW.serialno
        AND model = NEW.model AND engine = NEW.engine AND workload = NEW.workload;
END;

CREATE TRIGGER listed_moved AFTER UPDATE OF state, serial ON runs
WHEN NEW.state <> OLD.state OR NEW.serial <> OLD.serial
BEGIN
    DELETE FROM listed WHERE id = OLD.id AND created = OLD.created AND kind = (
        SELECT kinds.id FROM kinds
        WHERE state = OLD.state AND serial = OLD.serial AND serialno = OLD.serialno
            AND model = OLD.model AND engine = OLD.engine AND workload = OLD.workload
    );
    INSERT OR IGNORE INTO kinds (state, serial, serialno, model, engine, workload)
    VALUES (NEW.state, NEW.serial, NEW.serialno, NEW.model, NEW.engine, NEW.workload);
    INSERT INTO listed (kind, created, id)
    SELECT kinds.id, NEW.created, NEW.id FROM kinds
    WHERE state = NEW.state AND serial = NEW.serial AND serialno = NEW.serialno
        AND model = NEW.model AND engine = NEW.engine AND workload = NEW.workload;
END;

CREATE TRIGGER listed_forgotten AFTER DELETE ON runs
BEGIN
    DELETE FROM listed WHERE id = OLD.id AND created = OLD.created AND kind = (
        SELECT kinds.id FROM kinds
        WHERE state = OLD.state AND serial = OLD.serial AND serialno = OLD.serialno
            AND model = OLD.model AND engine = OLD.engine AND workload = OLD.workload
    );
END;

DROP INDEX runs_by_state;
CREATE INDEX runs_open ON runs (created, id) WHERE ended IS NULL;
CREATE INDEX runs_lost ON runs (serialno) WHERE state = 'lost';
CREATE INDEX runs_by_end ON runs (ended) WHERE ended IS NOT NULL;
CREATE INDEX runs_with_figures
ON runs (serialno, created DESC) WHERE prefill_tok_s IS NOT NULL OR decode_tok_s IS NOT NULL;

-- How many runs there are of each state and verdict; '' is none.
CREATE TABLE tally (
    state TEXT NOT NULL,
    verdict TEXT NOT NULL,
    runs INTEGER NOT NULL CHECK (runs >= 0),
    PRIMARY KEY (state, verdict)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (state, verdict, runs)
SELECT state, coalesce(verdict, ''), count(*) FROM runs GROUP BY 1, 2;

CREATE TRIGGER tally_begun AFTER INSERT ON runs
BEGIN
    INSERT INTO tally (state, verdict, runs) VALUES (NEW.state, coalesce(NEW.verdict, ''), 1)
    ON CONFLICT (state, verdict) DO UPDATE SET runs = runs + 1;
END;

CREATE TRIGGER tally_moved AFTER UPDATE OF state, verdict ON runs
WHEN NEW.state <> OLD.state OR NEW.verdict IS NOT OLD.verdict
BEGIN
    UPDATE tally SET runs = runs - 1 WHERE state = OLD.state AND verdict = coalesce(OLD.verdict, '');
    INSERT INTO tally (state, verdict, runs) VALUES (NEW.state, coalesce(NEW.verdict, ''), 1)
    ON CONFLICT (state, verdict) DO UPDATE SET runs = runs + 1;
END;

CREATE TRIGGER tally_forgotten AFTER DELETE ON runs
BEGIN
    UPDATE tally SET runs = runs - 1 WHERE state = OLD.state AND verdict = coalesce(OLD.verdict, '');
END;
