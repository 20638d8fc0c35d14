"""Times as Kubernetes writes them: UTC, whole seconds."""

from datetime import datetime


def stamp(moment: datetime) -> str:
    """An aware UTC time as RFC 3339."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """RFC 3339 as an aware time."""
    return datetime.fromisoformat(text)
