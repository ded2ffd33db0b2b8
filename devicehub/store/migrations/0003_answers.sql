-- How phones answered fixtures, and what sampling costs each phone.

-- A combination that has answered is not asked again.
CREATE TABLE answers (
    serialno TEXT NOT NULL,
    build TEXT NOT NULL,
    engine_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    config_sha256 TEXT NOT NULL,
    fixture TEXT NOT NULL,
    wall_s REAL NOT NULL,
    share REAL NOT NULL CHECK (share BETWEEN 0 AND 1),
    fidelity BLOB NOT NULL,
    PRIMARY KEY (serialno, build, engine_id, model_id, config_sha256, fixture)
) STRICT;

CREATE TABLE sampling_costs (
    serialno TEXT NOT NULL PRIMARY KEY,
    wall_s REAL NOT NULL,
    share REAL NOT NULL,
    run_id TEXT NOT NULL
) STRICT;
