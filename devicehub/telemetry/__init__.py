"""What a phone reports about itself while a run is under way."""
