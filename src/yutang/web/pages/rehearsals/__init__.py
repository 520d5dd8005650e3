"""Back-tests and dry runs: asked for, watched, read inside the console."""
