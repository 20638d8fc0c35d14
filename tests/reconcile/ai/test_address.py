"""URLs are told whose they are, and stay otherwise letter for letter."""

import pytest

from controller.reconcile.ai.address import with_query

TENANT = {"tenant": "tenants/cafe", "business": "1 2"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a", "http://a?tenant=tenants/cafe&business=1%202"),
        ("http://a/b?x=%20y", "http://a/b?x=%20y&tenant=tenants/cafe&business=1%202"),
        ("http://a/b?", "http://a/b?tenant=tenants/cafe&business=1%202"),
        ("http://a/b#c", "http://a/b?tenant=tenants/cafe&business=1%202#c"),
        ("http://a/b?tenant=mine", "http://a/b?tenant=mine&business=1%202"),
        ("http://a/b?tenant=&business=9", "http://a/b?tenant=&business=9"),
    ],
)
def test_what_the_url_does_not_say_is_added(url: str, expected: str) -> None:
    assert with_query(url, TENANT) == expected
    assert with_query(expected, TENANT) == expected
