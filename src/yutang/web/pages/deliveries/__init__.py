"""Page: deliveries: every letter on its way, why some failed, and another try."""
