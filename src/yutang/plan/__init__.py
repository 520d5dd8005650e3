"""From a brand folder to what is in service: what would change, who must agree, and the change itself."""
