"""My own password and sessions."""
