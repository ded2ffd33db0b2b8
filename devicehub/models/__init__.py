"""Models: MNN model folders, kept in the user's catalogue."""
