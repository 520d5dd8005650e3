"""Official account: followers, scene codes, customer service and template messages."""
