"""What members of staff are to do."""
