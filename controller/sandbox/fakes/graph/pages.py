"""Pages by cursor, as Graph's edges have them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from controller.sandbox.fakes.graph.errors import refused_parameter

_DEFAULT = 25
_MOST = 100

_Item = TypeVar("_Item")


def page_of(
    items: Sequence[_Item],
    *,
    query: Mapping[str, str],
    url: str,
    token: str,
    position_of: Callable[[_Item], int],
    describe: Callable[[_Item], object],
) -> dict[str, object]:
    """Return `{data, paging}` of items in descending order of position.

    A cursor names a position, so that it outlives its item. `next` holds the token, as Graph's does, and is
    missing on the last page. Raises GraphRefusalError.
    """
    limit = _number(query, "limit", _DEFAULT)
    after = _number(query, "after", 0) if query.get("after") else None
    left = [item for item in items if after is None or position_of(item) < after]
    shown = left[: min(limit, _MOST)]
    page: dict[str, object] = {"data": [describe(item) for item in shown]}
    if not shown:
        return page
    paging: dict[str, object] = {
        "cursors": {"before": str(position_of(shown[0])), "after": str(position_of(shown[-1]))}
    }
    if len(shown) < len(left):
        following = {**query, "access_token": token, "after": str(position_of(shown[-1]))}
        paging["next"] = f"{url}?{urlencode(following)}"
    return {**page, "paging": paging}


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise refused_parameter(f"Param {name} must be an integer.")
    return int(text)
