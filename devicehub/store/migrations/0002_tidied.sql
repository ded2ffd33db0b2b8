-- When old runs were last removed from a phone.

ALTER TABLE devices ADD COLUMN tidied REAL;
