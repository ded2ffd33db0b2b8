-- What every database of DeviceHub begins with.

PRAGMA application_id = 1148602485;

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    phone_run_id TEXT NOT NULL,
    serial TEXT NOT NULL,
    serialno TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    product TEXT,
    model TEXT NOT NULL,
    engine TEXT NOT NULL,
    profile TEXT NOT NULL,
    workload TEXT NOT NULL,
    virtual INTEGER NOT NULL CHECK (virtual IN (0, 1)),
    created REAL NOT NULL,
    started REAL,
    updated REAL NOT NULL,
    last_contact REAL,
    stop_requested REAL,
    owner_pid INTEGER,
    owner_started REAL,
    request BLOB NOT NULL,
    -- Of the end that counts; written together with it.
    verdict TEXT,
    cause TEXT,
    trusted INTEGER CHECK (trusted IN (0, 1)),
    prefill_tok_s REAL,
    decode_tok_s REAL,
    ended REAL,
    CHECK ((owner_pid IS NULL) = (owner_started IS NULL)),
    CHECK ((ended IS NULL) = (state NOT IN ('succeeded', 'failed', 'cancelled', 'lost')))
) STRICT;

CREATE INDEX runs_by_time ON runs (created DESC, id DESC);
CREATE INDEX runs_by_state ON runs (state);

-- A run has one end. The one that may be replaced, once, is `lost`: then the replacement is number 2.
CREATE TABLE ends (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number = 1 OR (number = 2 AND state <> 'lost')),
    state TEXT NOT NULL CHECK (state IN ('succeeded', 'failed', 'cancelled', 'lost')),
    wall_s REAL NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (run_id, number)
) STRICT;

CREATE TRIGGER ends_replace_lost_only BEFORE INSERT ON ends
WHEN NEW.number = 2
    AND NOT EXISTS (SELECT 1 FROM ends WHERE run_id = NEW.run_id AND number = 1 AND state = 'lost')
BEGIN
    SELECT RAISE(ABORT, 'only the end lost is ever replaced');
END;

CREATE TRIGGER ends_stay BEFORE UPDATE ON ends
BEGIN
    SELECT RAISE(ABORT, 'an end is never changed');
END;

CREATE TRIGGER ends_go_with_their_run BEFORE DELETE ON ends
WHEN EXISTS (SELECT 1 FROM runs WHERE id = OLD.run_id)
BEGIN
    SELECT RAISE(ABORT, 'an end goes with its run only');
END;

CREATE TRIGGER runs_begin_open BEFORE INSERT ON runs
WHEN NEW.ended IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a run begins without an end');
END;

-- The state of a run with an end is that of its last end, whoever writes it.
CREATE TRIGGER runs_follow_their_ends BEFORE UPDATE OF state, ended ON runs
WHEN (NEW.ended IS NULL) <> NOT EXISTS (SELECT 1 FROM ends WHERE run_id = NEW.id)
    OR (NEW.ended IS NOT NULL AND NEW.state IS NOT (
        SELECT state FROM ends WHERE run_id = NEW.id ORDER BY number DESC LIMIT 1
    ))
BEGIN
    SELECT RAISE(ABORT, 'the state of a run follows its ends');
END;

CREATE TRIGGER runs_without_end_stay BEFORE DELETE ON runs
WHEN OLD.ended IS NULL
BEGIN
    SELECT RAISE(ABORT, 'a run without an end is never forgotten');
END;

CREATE TABLE launches (
    run_id TEXT NOT NULL,
    end_number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    verdict TEXT,
    cause TEXT,
    exit_status INTEGER,
    duration_s REAL,
    text TEXT,
    PRIMARY KEY (run_id, end_number, position),
    FOREIGN KEY (run_id, end_number) REFERENCES ends (run_id, number) ON DELETE CASCADE
) STRICT;

CREATE TABLE records (
    run_id TEXT NOT NULL,
    end_number INTEGER NOT NULL,
    launch_position INTEGER NOT NULL,
    position INTEGER NOT NULL,
    tool TEXT NOT NULL,
    source TEXT NOT NULL,
    backend TEXT,
    threads INTEGER,
    test TEXT,
    prompt_tokens INTEGER,
    decode_tokens INTEGER,
    prefill_tok_s REAL,
    decode_tok_s REAL,
    load_ms REAL,
    record BLOB NOT NULL,
    PRIMARY KEY (run_id, end_number, launch_position, position),
    FOREIGN KEY (run_id, end_number, launch_position) REFERENCES launches (run_id, end_number, position)
        ON DELETE CASCADE
) STRICT;

CREATE TABLE excerpts (
    run_id TEXT NOT NULL,
    end_number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    launch INTEGER NOT NULL,
    source TEXT NOT NULL,
    lines TEXT NOT NULL,
    PRIMARY KEY (run_id, end_number, position),
    FOREIGN KEY (run_id, end_number) REFERENCES ends (run_id, number) ON DELETE CASCADE
) STRICT;

CREATE TABLE events (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    wall_s REAL NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_run ON events (run_id, seq);

CREATE TRIGGER events_stay BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'an event is never changed');
END;

CREATE TRIGGER events_go_with_their_run BEFORE DELETE ON events
WHEN EXISTS (SELECT 1 FROM runs WHERE id = OLD.run_id)
BEGIN
    SELECT RAISE(ABORT, 'an event goes with its run only');
END;

CREATE TABLE samples (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    first_line INTEGER NOT NULL CHECK (first_line >= 0),
    lines INTEGER NOT NULL CHECK (lines > 0),
    data BLOB NOT NULL,
    PRIMARY KEY (run_id, attempt, first_line)
) STRICT;

CREATE TABLE devices (
    serialno TEXT NOT NULL PRIMARY KEY,
    boot_id TEXT,
    serial TEXT,
    product TEXT,
    manufacturer TEXT,
    android TEXT,
    soc TEXT,
    virtual INTEGER CHECK (virtual IN (0, 1)),
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    strikes INTEGER NOT NULL DEFAULT 0 CHECK (strikes >= 0),
    last_cause TEXT,
    quarantined REAL,
    quarantine_reason TEXT,
    CHECK ((quarantined IS NULL) = (quarantine_reason IS NULL))
) STRICT;
