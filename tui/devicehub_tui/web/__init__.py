"""The screen in a browser of this host."""
