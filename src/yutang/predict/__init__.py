"""What is to be expected of each person: orders, value, the next order's day. Numbers first, tables last."""
