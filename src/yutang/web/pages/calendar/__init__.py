"""A month of touches against what the platforms allow."""
