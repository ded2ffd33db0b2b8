"""The parts of the page that a report in HTML is. Pure."""
