"""Events: stored as core/v1, served as events.k8s.io/v1 too, which names the fields differently."""

from typing import Any, Final

_STORED_TO_SERVED: Final = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_SERVED_TO_STORED: Final = {served: stored for stored, served in _STORED_TO_SERVED.items()}


def to_events_v1(body: dict[str, Any]) -> dict[str, Any]:
    """A stored event as events.k8s.io/v1."""
    return {_STORED_TO_SERVED.get(name, name): value for name, value in body.items()}


def to_core_v1(body: dict[str, Any]) -> dict[str, Any]:
    """An events.k8s.io/v1 event as it is stored."""
    return {_SERVED_TO_STORED.get(name, name): value for name, value in body.items()}
