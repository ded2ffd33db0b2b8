"""What a campaign's result looks like: one file per format, all made of the same result."""
