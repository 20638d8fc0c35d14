"""Ages as people read them: `k8s.io/apimachinery/pkg/util/duration.HumanDuration`."""

from datetime import datetime, timedelta
from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_YEAR: Final = 365 * _DAY


def _two(major: int, major_unit: str, minor: int, minor_unit: str) -> str:
    return f"{major}{major_unit}{minor}{minor_unit}" if minor else f"{major}{major_unit}"


def human_duration(elapsed: timedelta) -> str:
    """Two units at most, coarser the longer it is: 119s, 9m30s, 59m, 7h59m, 47h, 7d23h, 729d, 7y364d, 9y."""
    seconds = int(elapsed.total_seconds())
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    minutes, hours, days, years = seconds // _MINUTE, seconds // _HOUR, seconds // _DAY, seconds // _YEAR
    steps = (
        (10 * _MINUTE, _two(minutes, "m", seconds % _MINUTE, "s")),
        (3 * _HOUR, f"{minutes}m"),
        (8 * _HOUR, _two(hours, "h", minutes % 60, "m")),
        (2 * _DAY, f"{hours}h"),
        (8 * _DAY, _two(days, "d", hours % 24, "h")),
        (2 * _YEAR, f"{days}d"),
        (8 * _YEAR, _two(years, "y", days % 365, "d")),
    )
    return next((text for limit, text in steps if seconds < limit), f"{years}y")


def age(since: str, now: datetime) -> str:
    """The age of an RFC 3339 timestamp; `<invalid>` for a text that is none."""
    try:
        then = datetime.fromisoformat(since)
    except (ValueError, TypeError):
        return "<invalid>"
    return human_duration(now - then)
