"""Addresses that tell their endpoint for whom they are asked."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote


def with_query(url: str, values: Mapping[str, str]) -> str:
    """Add what the URL's query does not say already; the rest of it stays letter for letter."""
    address, hash_sign, fragment = url.partition("#")
    query = address.partition("?")[2]
    present = {name for name, _ in parse_qsl(query, keep_blank_values=True)} if query else ()
    added = "&".join(
        f"{name}={quote(value, safe='/')}" for name, value in values.items() if name not in present
    )
    if not added:
        return url
    separator = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{separator}{added}{hash_sign}{fragment}"
