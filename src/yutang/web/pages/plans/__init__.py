"""Changes: what the drafts would change, the plans made of them, who agrees, and the change itself."""
