"""The editor of a journey: its steps as a nested list, the form of one of them beside it, and the file itself."""
