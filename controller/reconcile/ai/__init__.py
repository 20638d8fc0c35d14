"""Bots that answer a business's messages, and what they know of it."""
