"""The tenant's Evolution instance: found, placed, created, kept as wanted, paired, let go."""
