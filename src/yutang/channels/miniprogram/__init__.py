"""Mini-program: subscribe messages, each against a grant."""
