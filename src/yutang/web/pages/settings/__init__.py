"""Users, keys, channels, the pond, what was done, the language."""
