"""Journeys: the list, and one journey with its people, versions, effect and collisions."""
