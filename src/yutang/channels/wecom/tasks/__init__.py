"""What staff are asked to send, and welcomes: made within the platform's limits, followed up, never made twice."""
