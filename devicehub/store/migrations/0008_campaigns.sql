-- Campaigns: their plans, what was begun for their cells, and what came of each.

CREATE TABLE campaigns (
    id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'ended')),
    client TEXT NOT NULL,
    created REAL NOT NULL,
    -- No cell is begun after it; null is never.
    deadline REAL,
    -- Why it is not running, a slug: stopped, max_duration; null while it does, and where every cell has its outcome.
    reason TEXT,
    ended REAL,
    plan BLOB NOT NULL,
    -- What its runs are asked, by column.
    asks BLOB NOT NULL,
    -- What lists show of one that is over; null while it runs.
    summary BLOB,
    CHECK ((ended IS NULL) = (state = 'running'))
) STRICT;

CREATE INDEX campaigns_by_time ON campaigns (created DESC, id DESC);

-- Written before the runs are queued: their ids are given here, so that they cannot be queued twice.
CREATE TABLE cell_attempts (
    campaign TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    cell INTEGER NOT NULL CHECK (cell >= 1),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    -- The ids of its runs, the baseline's first, as JSON.
    runs TEXT NOT NULL,
    -- The phone, as JSON.
    phone TEXT NOT NULL,
    -- Measured launches of each run.
    launches INTEGER NOT NULL,
    begun REAL NOT NULL,
    -- Its outcome is one of several of a cell in a sweep, or it was withdrawn: another attempt follows.
    outcome BLOB,
    over REAL,
    PRIMARY KEY (campaign, cell, attempt)
) STRICT;

-- A second attempt only where the first is over.
CREATE TRIGGER attempts_follow_one_another BEFORE INSERT ON cell_attempts
WHEN EXISTS (
        SELECT 1 FROM cell_attempts WHERE campaign = NEW.campaign AND cell = NEW.cell AND over IS NULL
    )
    OR EXISTS (SELECT 1 FROM cell_outcomes WHERE campaign = NEW.campaign AND cell = NEW.cell)
BEGIN
    SELECT RAISE(ABORT, 'a cell is tried again only where the attempt before is over and it has no outcome');
END;

-- A cell has one outcome, whoever writes it.
CREATE TABLE cell_outcomes (
    campaign TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    cell INTEGER NOT NULL,
    wall_s REAL NOT NULL,
    outcome BLOB NOT NULL,
    PRIMARY KEY (campaign, cell)
) STRICT;

CREATE TRIGGER outcomes_stay BEFORE UPDATE ON cell_outcomes
BEGIN
    SELECT RAISE(ABORT, 'an outcome is never changed');
END;

CREATE TRIGGER outcomes_go_with_their_campaign BEFORE DELETE ON cell_outcomes
WHEN EXISTS (SELECT 1 FROM campaigns WHERE id = OLD.campaign)
BEGIN
    SELECT RAISE(ABORT, 'an outcome goes with its campaign only');
END;
