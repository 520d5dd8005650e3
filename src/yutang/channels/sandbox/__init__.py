"""Sandbox: keeps messages in a table and answers by a script, for demos, dry runs and tests."""
