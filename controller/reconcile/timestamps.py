"""Times as Kubernetes writes them: UTC, whole seconds unless they are compared."""

from datetime import datetime


def stamp(moment: datetime) -> str:
    """An aware UTC time as RFC 3339."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_stamp(moment: datetime) -> str:
    """The same with microseconds, for moments whose order decides."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime:
    """RFC 3339 as an aware time."""
    return datetime.fromisoformat(text)
