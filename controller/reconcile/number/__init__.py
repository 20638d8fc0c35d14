"""The tenant's phone number: found, taken back, bought exactly once, kept as wanted, let go."""
