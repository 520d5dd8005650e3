"""The web edge: the API, and the first pages."""
