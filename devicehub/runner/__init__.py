"""Starts runs on a phone through its agent, follows them and collects what they leave."""
