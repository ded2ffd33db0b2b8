"""Engines: MNN bundles for one ABI, kept in the user's catalogue."""
