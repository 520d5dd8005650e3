"""Reach: at which hour people are there, on which channel they answer, and what a touch of them is worth."""
