"""Stateful fakes of the outside systems: what they answer is what the real ones were seen to answer."""
