-- Every statement of the store: a line `name:`, a line that says what it does, then the statement.

-- name: add_run
-- Write down a run that begins.
INSERT INTO runs (
    id, state, attempt, phone_run_id, serial, serialno, boot_id, product, model, engine, profile, workload,
    virtual, created, started, updated, last_contact, owner_pid, owner_started, request
) VALUES (
    :id, :state, :attempt, :phone_run_id, :serial, :serialno, :boot_id, :product, :model, :engine, :profile,
    :workload, :virtual, :created, :started, :updated, :last_contact, :owner_pid, :owner_started, :request
);

-- name: run
-- One run with the record of the end that counts.
SELECT runs.*, (
    SELECT record FROM ends WHERE run_id = runs.id ORDER BY number DESC LIMIT 1
) AS record
FROM runs WHERE id = :id;

-- name: runs_by_prefix
-- The last ids that begin so; enough of them to show that there are several.
SELECT id FROM runs WHERE id >= :prefix AND id < :prefix || char(1114111) ORDER BY id DESC LIMIT 6;

-- name: newest_runs
-- What passes of the newest runs before a moment and an id, newest first; a filter that is null lets all pass.
SELECT runs.*, NULL AS record
FROM (
    SELECT rowid AS number FROM runs
    WHERE created >= :since AND created <= :created AND (created, id) < (:created, :before)
    ORDER BY created DESC, id DESC
    LIMIT :looked_at
)
JOIN runs ON runs.rowid = number
WHERE (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
    AND (:serial IS NULL OR serial = :serial OR serialno = :serial)
    AND (:model IS NULL OR model = :model)
    AND (:engine IS NULL OR engine = :engine)
    AND (:workload IS NULL OR workload = :workload)
ORDER BY created DESC, id DESC
LIMIT :limit;

-- name: runs
-- A page of runs, as newest_runs; all are asked by their kinds. No more kinds than runs can be on a page.
WITH passing AS (
    SELECT id AS kind FROM kinds
    WHERE (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
        AND (:serial IS NULL OR serial = :serial OR serialno = :serial)
        AND (:model IS NULL OR model = :model)
        AND (:engine IS NULL OR engine = :engine)
        AND (:workload IS NULL OR workload = :workload)
),
heads AS MATERIALIZED (
    SELECT kind, (
        SELECT created FROM listed
        WHERE listed.kind = passing.kind
            AND created >= :since AND created <= :created AND (created, id) < (:created, :before)
        ORDER BY created DESC LIMIT 1
    ) AS head
    FROM passing
),
last AS MATERIALIZED (
    SELECT coalesce(
        (SELECT head FROM heads WHERE head IS NOT NULL ORDER BY head DESC LIMIT 1 OFFSET :limit - 1), :since
    ) AS created
),
page AS MATERIALIZED (
    SELECT listed.created, listed.id
    FROM last CROSS JOIN heads CROSS JOIN listed ON listed.kind = heads.kind
    WHERE heads.head >= last.created
        AND listed.created >= max(last.created, coalesce((
            SELECT own.created FROM listed AS own
            WHERE own.kind = heads.kind AND own.created <= :created
                AND (own.created, own.id) < (:created, :before)
            ORDER BY own.created DESC LIMIT 1 OFFSET :limit - 1
        ), :since))
        AND listed.created <= :created AND (listed.created, listed.id) < (:created, :before)
    ORDER BY listed.created DESC, listed.id DESC
    LIMIT :limit
)
SELECT runs.*, NULL AS record FROM page JOIN runs USING (id) ORDER BY created DESC, id DESC;

-- name: created
-- When a run was written down.
SELECT created FROM runs WHERE id = :id;

-- name: open_runs
-- Runs without an end, oldest first.
SELECT runs.*, NULL AS record FROM runs WHERE ended IS NULL ORDER BY created, id;

-- name: runs_to_adopt
-- Runs without an end, and those that ended as lost on a phone that is there again, oldest first.
SELECT runs.*, NULL AS record FROM runs WHERE ended IS NULL
UNION ALL
SELECT runs.*, NULL AS record
FROM runs
WHERE state = 'lost' AND serialno IN (SELECT value FROM json_each(:serialnos))
ORDER BY created, id;

-- name: count_runs
-- How many runs there are.
SELECT coalesce(sum(runs), 0) AS runs FROM tally;

-- name: runs_by_verdict
-- How many runs there are of each state and verdict.
SELECT state, nullif(verdict, '') AS verdict, runs FROM tally WHERE runs > 0 ORDER BY state, verdict;

-- name: last_figures
-- Of each phone the newest run that has figures.
SELECT runs.*, NULL AS record
FROM devices
JOIN runs ON runs.id = (
    SELECT id FROM runs AS its
    WHERE its.serialno = devices.serialno
        AND (its.prefill_tok_s IS NOT NULL OR its.decode_tok_s IS NOT NULL)
    ORDER BY its.created DESC
    LIMIT 1
)
ORDER BY runs.serialno;

-- name: claim_run
-- Make a process the owner of a run whose owner is still the one that was seen.
UPDATE runs SET owner_pid = :pid, owner_started = :started
WHERE id = :id
    AND owner_pid IS :seen_pid AND owner_started IS :seen_started
    AND (ended IS NULL OR state = 'lost');

-- name: release_run
-- Leave a run without an owner, if the owner is this one.
UPDATE runs SET owner_pid = NULL, owner_started = NULL
WHERE id = :id AND owner_pid = :pid AND owner_started = :started;

-- name: advance_run
-- Move a run that has no end; a field that is null stays as it is.
UPDATE runs SET
    state = :state,
    updated = :wall_s,
    attempt = coalesce(:attempt, attempt),
    phone_run_id = coalesce(:phone_run_id, phone_run_id),
    serial = coalesce(:serial, serial),
    boot_id = coalesce(:boot_id, boot_id),
    last_contact = coalesce(:last_contact, last_contact)
WHERE id = :id AND ended IS NULL;

-- name: touch_run
-- Note that the phone of a run answered.
UPDATE runs SET last_contact = max(coalesce(last_contact, :wall_s), :wall_s) WHERE id = :id;

-- name: request_stop
-- Note that a person wants the run to end; the first wish counts.
UPDATE runs SET stop_requested = coalesce(stop_requested, :wall_s) WHERE id = :id AND ended IS NULL;

-- name: stop_requested
-- Whether a person wants the run to end.
SELECT stop_requested IS NOT NULL AS wanted FROM runs WHERE id = :id;

-- name: add_end
-- Write a run's end: its first, or the one that replaces `lost`; nothing where there is such an end already.
INSERT INTO ends (run_id, number, state, wall_s, record)
SELECT
    :run_id,
    1 + EXISTS (SELECT 1 FROM ends WHERE run_id = :run_id AND state = 'lost'),
    :state, :wall_s, :record
WHERE :state <> 'lost' OR NOT EXISTS (SELECT 1 FROM ends WHERE run_id = :run_id)
ON CONFLICT (run_id, number) DO NOTHING
RETURNING number;

-- name: end_run
-- Show in the run what its newest end says; nobody carries it any longer.
UPDATE runs SET
    state = :state, verdict = :verdict, cause = :cause, trusted = :trusted,
    prefill_tok_s = :prefill_tok_s, decode_tok_s = :decode_tok_s, decode_spread = :decode_spread,
    fidelity = :fidelity, fidelity_reason = :fidelity_reason, protocol = :protocol, launches = :launches,
    ended = :ended, updated = :wall_s, owner_pid = NULL, owner_started = NULL
WHERE id = :run_id;

-- name: add_launch
-- One launch of an end.
INSERT INTO launches (run_id, end_number, position, number, verdict, cause, exit_status, duration_s, text)
VALUES (:run_id, :end_number, :position, :number, :verdict, :cause, :exit_status, :duration_s, :text);

-- name: add_record
-- One measured row of a launch.
INSERT INTO records (
    run_id, end_number, launch_position, position, tool, source, backend, threads, test, prompt_tokens,
    decode_tokens, prefill_tok_s, decode_tok_s, load_ms, record
) VALUES (
    :run_id, :end_number, :launch_position, :position, :tool, :source, :backend, :threads, :test,
    :prompt_tokens, :decode_tokens, :prefill_tok_s, :decode_tok_s, :load_ms, :record
);

-- name: add_excerpt
-- Lines of a log that belong to an end.
INSERT INTO excerpts (run_id, end_number, position, launch, source, lines)
VALUES (:run_id, :end_number, :position, :launch, :source, :lines);

-- name: launches
-- The launches of the end that counts.
SELECT number, verdict, cause, exit_status, duration_s, text
FROM launches
WHERE run_id = :run_id AND end_number = (SELECT max(number) FROM ends WHERE run_id = :run_id)
ORDER BY position;

-- name: records
-- The measured rows of the end that counts.
SELECT launches.number AS launch, records.position, records.record
FROM records
JOIN launches ON launches.run_id = records.run_id
    AND launches.end_number = records.end_number AND launches.position = records.launch_position
WHERE records.run_id = :run_id
    AND records.end_number = (SELECT max(number) FROM ends WHERE run_id = :run_id)
ORDER BY records.launch_position, records.position;

-- name: excerpts
-- The log lines of the end that counts.
SELECT launch, source, lines
FROM excerpts
WHERE run_id = :run_id AND end_number = (SELECT max(number) FROM ends WHERE run_id = :run_id)
ORDER BY position;

-- name: ends
-- All ends of a run, a replaced `lost` first.
SELECT number, state, wall_s, record FROM ends WHERE run_id = :run_id ORDER BY number;

-- name: add_event
-- Note what happened, with the state and the attempt that the run has now.
INSERT INTO events (run_id, attempt, wall_s, kind, state, detail)
SELECT id, attempt, :wall_s, :kind, state, :detail FROM runs WHERE id = :run_id;

-- name: events
-- What happened to a run, in order.
SELECT seq, attempt, wall_s, kind, state, detail FROM events WHERE run_id = :run_id AND seq > :after
ORDER BY seq;

-- name: events_since
-- What happened to any run after an event, in order.
SELECT run_id, seq, attempt, wall_s, kind, state, detail FROM events WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: events_between
-- What happened to any run from an event to another, both included.
SELECT run_id, seq, attempt, wall_s, kind, state, detail FROM events WHERE seq BETWEEN :first AND :last
ORDER BY seq;

-- name: newest_event
-- The number of the newest event.
SELECT coalesce(max(seq), 0) AS seq FROM events;

-- name: add_samples
-- One batch of samples.
INSERT INTO samples (run_id, attempt, first_line, lines, data)
VALUES (:run_id, :attempt, :first_line, :lines, :data);

-- name: samples_stored
-- How many lines of samples of an attempt are stored.
SELECT coalesce(max(first_line + lines), 0) AS lines FROM samples
WHERE run_id = :run_id AND attempt = :attempt;

-- name: samples
-- The samples of an attempt, batch by batch.
SELECT data FROM samples WHERE run_id = :run_id AND attempt = :attempt ORDER BY first_line;

-- name: last_ask
-- What was asked last of a phone; of any, where it is ''.
SELECT ask FROM last_asks WHERE serialno = :serialno;

-- name: enqueue
-- Let a run wait behind all others.
INSERT INTO queue (run_id, entry, client, submitted, ask)
VALUES (:run_id, :entry, :client, :submitted, :ask)
RETURNING number;

-- name: queued
-- All that waits, in the order of submission.
SELECT * FROM queue ORDER BY number;

-- name: is_queued
-- Whether a run waits.
SELECT EXISTS (SELECT 1 FROM queue WHERE run_id = :run_id) AS waits;

-- name: is_known
-- Whether a run waits or has begun.
SELECT EXISTS (SELECT 1 FROM queue WHERE run_id = :run_id)
    OR EXISTS (SELECT 1 FROM runs WHERE id = :run_id) AS known;

-- name: queue_owner
-- Which process begins an entry.
SELECT owner_pid, owner_started FROM queue WHERE entry = :entry LIMIT 1;

-- name: claim_queued
-- Make a process the one that begins an entry whose owner is still the one that was seen.
UPDATE queue SET owner_pid = :pid, owner_started = :started
WHERE entry = :entry AND owner_pid IS :seen_pid AND owner_started IS :seen_started;

-- name: release_queued
-- Let an entry wait again, if the owner is this one.
UPDATE queue SET owner_pid = NULL, owner_started = NULL
WHERE entry = :entry AND owner_pid = :pid AND owner_started = :started;

-- name: device_seen
-- Write down a phone that answered; a fact that is null stays as it was.
INSERT INTO devices (
    serialno, boot_id, serial, product, manufacturer, android, soc, virtual, first_seen, last_seen
) VALUES (
    :serialno, :boot_id, :serial, :product, :manufacturer, :android, :soc, :virtual, :wall_s, :wall_s
)
ON CONFLICT (serialno) DO UPDATE SET
    boot_id = coalesce(excluded.boot_id, boot_id),
    serial = coalesce(excluded.serial, serial),
    product = coalesce(excluded.product, product),
    manufacturer = coalesce(excluded.manufacturer, manufacturer),
    android = coalesce(excluded.android, android),
    soc = coalesce(excluded.soc, soc),
    virtual = coalesce(excluded.virtual, virtual),
    last_seen = max(excluded.last_seen, last_seen);

-- name: strike
-- Count one more run in a row that ended for a cause of the phone.
INSERT INTO devices (serialno, first_seen, last_seen, strikes, last_cause)
VALUES (:serialno, :wall_s, :wall_s, 1, :cause)
ON CONFLICT (serialno) DO UPDATE SET strikes = strikes + 1, last_cause = excluded.last_cause
RETURNING strikes;

-- name: clear_strikes
-- Begin to count anew: a run on the phone ended for another cause, or well.
UPDATE devices SET strikes = 0, last_cause = NULL WHERE serialno = :serialno;

-- name: quarantine
-- Let a phone run nothing further; the first reason stands.
INSERT INTO devices (serialno, first_seen, last_seen, quarantined, quarantine_reason)
VALUES (:serialno, :wall_s, :wall_s, :wall_s, :reason)
ON CONFLICT (serialno) DO UPDATE SET
    quarantined = coalesce(quarantined, excluded.quarantined),
    quarantine_reason = coalesce(quarantine_reason, excluded.quarantine_reason);

-- name: release_device
-- Let a phone run again, without a strike.
UPDATE devices SET quarantined = NULL, quarantine_reason = NULL, strikes = 0, last_cause = NULL
WHERE serialno = :serialno AND quarantined IS NOT NULL;

-- name: tidy_due
-- Note that a phone is tidied now; nothing where it was within the period.
INSERT INTO devices (serialno, first_seen, last_seen, tidied)
VALUES (:serialno, :wall_s, :wall_s, :wall_s)
ON CONFLICT (serialno) DO UPDATE SET tidied = excluded.tidied
WHERE tidied IS NULL OR abs(excluded.tidied - tidied) >= :every_s
RETURNING 1;

-- name: devices
-- Every phone that was ever seen, the last seen first.
SELECT * FROM devices ORDER BY last_seen DESC, serialno;

-- name: remember_answer
-- Keep how a combination answered its fixture; the newest counts.
INSERT OR REPLACE INTO answers (
    serialno, build, engine_id, model_id, config_sha256, fixture, wall_s, share, fidelity
) VALUES (
    :serialno, :build, :engine_id, :model_id, :config_sha256, :fixture, :wall_s, :share, :fidelity
);

-- name: known_answer
-- How a combination answered its fixture.
SELECT fidelity FROM answers
WHERE serialno = :serialno AND build = :build AND engine_id = :engine_id AND model_id = :model_id
    AND config_sha256 = :config_sha256 AND fixture = :fixture;

-- name: forget_answer
-- Let a combination be asked anew.
DELETE FROM answers
WHERE serialno = :serialno AND build = :build AND engine_id = :engine_id AND model_id = :model_id
    AND config_sha256 = :config_sha256 AND fixture = :fixture;

-- name: remember_cost
-- Keep what sampling costs a phone; the newest counts.
INSERT OR REPLACE INTO sampling_costs (serialno, wall_s, share, run_id)
VALUES (:serialno, :wall_s, :share, :run_id);

-- name: sampling_cost
-- What sampling costs a phone.
SELECT share FROM sampling_costs WHERE serialno = :serialno;

-- name: old_runs
-- Ended runs older than a moment, the oldest first.
SELECT id FROM runs WHERE ended < :before ORDER BY ended LIMIT :limit;

-- name: delete_run
-- Forget an ended run with all that belongs to it.
DELETE FROM runs WHERE id = :id AND ended IS NOT NULL;

-- name: add_campaign
-- Write down a campaign that begins.
INSERT INTO campaigns (id, name, state, client, created, deadline, plan, asks)
VALUES (:id, :name, 'running', :client, :created, :deadline, :plan, :asks);

-- name: campaign
-- One campaign, whole.
SELECT * FROM campaigns WHERE id = :id;

-- name: campaigns_by_prefix
-- The last ids that begin so; enough of them to show that there are several.
SELECT id FROM campaigns
WHERE id >= :prefix AND id < :prefix || char(1114111) ORDER BY id DESC LIMIT 6;

-- name: campaigns
-- The newest campaigns, without their plans, which may be of megabytes.
SELECT id, name, state, client, created, deadline, reason, ended, x'' AS plan, x'' AS asks, summary
FROM campaigns ORDER BY created DESC, id DESC LIMIT :limit;

-- name: running_campaigns
-- The ids of those under way, oldest first.
SELECT id FROM campaigns WHERE state = 'running' ORDER BY created, id;

-- name: end_campaign
-- A campaign is not under way any longer; nothing where it was not.
UPDATE campaigns SET state = :state, reason = :reason, ended = :wall_s, summary = NULL
WHERE id = :id AND state = 'running';

-- name: resume_campaign
-- A campaign is under way again, with another deadline; nothing where it is.
UPDATE campaigns SET state = 'running', reason = NULL, ended = NULL, summary = NULL, deadline = :deadline
WHERE id = :id AND state <> 'running';

-- name: summarize_campaign
-- Keep what lists show of a campaign that is over.
UPDATE campaigns SET summary = :summary WHERE id = :id AND state <> 'running';

-- name: add_attempt
-- A cell is about to be tried.
INSERT INTO cell_attempts (campaign, cell, attempt, runs, phone, launches, begun)
VALUES (:campaign, :cell, :attempt, :runs, :phone, :launches, :begun);

-- name: attempts
-- All attempts of a campaign, in their order.
SELECT * FROM cell_attempts WHERE campaign = :campaign ORDER BY cell, attempt;

-- name: end_attempt
-- An attempt is over, with what it came to; nothing where it was.
UPDATE cell_attempts SET over = :wall_s, outcome = :outcome
WHERE campaign = :campaign AND cell = :cell AND attempt = :attempt AND over IS NULL;

-- name: add_outcome
-- What a cell came to; nothing where that is known.
INSERT INTO cell_outcomes (campaign, cell, wall_s, outcome)
VALUES (:campaign, :cell, :wall_s, :outcome)
ON CONFLICT DO NOTHING;

-- name: outcomes
-- The outcomes of a campaign from a cell on.
SELECT cell, outcome FROM cell_outcomes
WHERE campaign = :campaign AND cell > :after ORDER BY cell LIMIT :limit;

-- name: run_lengths
-- How long the newest runs of a model on a phone took, with the launches that they made.
SELECT runs.workload, runs.ended - runs.started AS took_s,
    (SELECT count(*) FROM launches WHERE run_id = runs.id AND end_number = 1) AS launches
FROM runs
WHERE serialno = :serialno AND model = :model AND state = 'succeeded' AND started IS NOT NULL
ORDER BY created DESC LIMIT :limit;
