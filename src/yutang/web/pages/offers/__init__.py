"""Pages: the offers, one of them, the editor, and the counter where codes are looked up and redeemed."""
