"""Page: the one segment."""
