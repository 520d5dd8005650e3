"""Page: the overview: figures with their trend, and what needs somebody today."""
