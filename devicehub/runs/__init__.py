"""Runs: what a run is and its states; pure."""
