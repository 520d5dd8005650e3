"""Page-less: edits of the brand's files, taken back, done again, given up; every editor posts here."""
