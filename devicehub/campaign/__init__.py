"""Campaigns: what a lab asks of many phones, in which order, and what the answers are worth."""
