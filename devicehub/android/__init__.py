"""What Android prints: pure, push-style parsers that never raise."""
