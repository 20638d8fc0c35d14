"""Telephony providers behind one protocol."""
