"""The fleet screen: a Textual client of the API."""
