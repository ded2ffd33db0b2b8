"""Profiles: TOML files that hold what is data, not code; here they are read, checked and searched."""
