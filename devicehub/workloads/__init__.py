"""What to write, start and read for each workload; no I/O."""
