-- What a list shows beside the figures of a run; of the end that counts, like them.

ALTER TABLE runs ADD COLUMN fidelity REAL;
ALTER TABLE runs ADD COLUMN fidelity_reason TEXT;
ALTER TABLE runs ADD COLUMN protocol TEXT;
ALTER TABLE runs ADD COLUMN launches INTEGER;
