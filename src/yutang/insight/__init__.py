"""Figures for managers: what a journey has changed, with honest intervals."""
