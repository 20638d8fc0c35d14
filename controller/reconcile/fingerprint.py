"""Telling whether plain data changed, without keeping it."""

import hashlib
import json


def fingerprint(value: object) -> str:
    """Short stable hash of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
