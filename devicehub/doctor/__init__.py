"""Looks at this host and at phones and says what stands in the way of a run, with the remedy."""
