"""Page: the list of people."""
