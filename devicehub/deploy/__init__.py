"""Brings files onto phones."""
