"""Page: the event registry."""
