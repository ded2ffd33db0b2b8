"""Carries each run through its states."""
