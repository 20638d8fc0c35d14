"""Paged lists as v2010 sends them: `next_page_uri` with Page and PageToken, newest item first."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from controller.sandbox.fakes.twilio.errors import refused

_DEFAULT_SIZE = 50
_LARGEST_SIZE = 1000

Item = TypeVar("Item")


def page_size(query: Mapping[str, str]) -> int:
    """Raises TwilioError when the size is no number; a larger one than 1000 is cut."""
    return min(_number(query, "PageSize", _DEFAULT_SIZE) or _DEFAULT_SIZE, _LARGEST_SIZE)


def page_of(
    items: Sequence[Item],
    *,
    name: str,
    path: str,
    query: Mapping[str, str],
    describe: Callable[[Item], object],
    token_of: Callable[[Item], str],
    is_after: Callable[[Item, str], bool],
) -> dict[str, object]:
    """Return the page of `items` that follows the one the query's PageToken ends.

    A token names the last item seen, not an offset: what is bought or released between two pages neither
    repeats nor hides anything else.
    """
    size, number = page_size(query), _number(query, "Page", 0)
    token = query.get("PageToken", "")[2:]
    rest = [item for item in items if is_after(item, token)] if token else items[number * size :]
    shown = rest[:size]
    filters = {key: value for key, value in query.items() if key not in ("Page", "PageSize", "PageToken")}

    def uri(page: int, after: str = "") -> str:
        position = {"PageSize": size, "Page": page} | ({"PageToken": after} if after else {})
        return f"{path}?{urlencode({**filters, **position})}"

    following = uri(number + 1, f"PA{token_of(shown[-1])}") if len(rest) > size else None
    return {
        "first_page_uri": uri(0),
        "end": number * size + max(len(shown) - 1, 0),
        "previous_page_uri": uri(number - 1) if number > 0 else None,
        name: [describe(item) for item in shown],
        "uri": uri(number, query.get("PageToken", "")),
        "page_size": size,
        "start": number * size,
        "next_page_uri": following,
        "page": number,
    }


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise refused(20001, f"{name} must be a number, not {text!r}")
    return int(text)
