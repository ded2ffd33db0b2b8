"""The store: one SQLite file that remembers runs, launches, events, samples and devices."""
