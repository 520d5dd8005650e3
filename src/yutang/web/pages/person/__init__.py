"""Page: the one person."""
