"""Recorded exchanges of a real server, and how to compare a fake's answer with them."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CONTRACT_DATA", REPOSITORY.parent / "shared"))

_PLACEHOLDERS = (
    (re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"c[a-z0-9]{24}"), "<cuid>"),
    (re.compile(r"data:image/png;base64,.+"), "<picture>"),
    (re.compile(r"2@[^\"]+,[^\"]+,[^\"]+,[^\"]+"), "<code>"),
    (re.compile(r"(3EB0[0-9A-F]{18}|wamid\.\w+)"), "<message>"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "<server>"),
    # The recordings leave out the source frame a database error carries.
    (re.compile(r"\nInvalid `[^`]+` invocation in\n.*\n", re.DOTALL), "<frame>\n"),
)
_MOMENTS = ("messageTimestamp", "low", "pairingCode")


@dataclass(frozen=True, slots=True)
class Recording:
    method: str
    path: str
    headers: dict[str, str]
    body: object
    status: int
    answer: object


def folder(*parts: str) -> Path:
    """Return a folder of the contract data; the test is skipped where there is none, and fails in CI."""
    found = DATA.joinpath(*parts)
    if not found.is_dir():
        missing = f"{found} is missing: set CONTRACT_DATA to the folder with recordings/ and specs/"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def load(path: Path) -> Recording:
    content = json.loads(path.read_text())
    request, response = content["request"], content["response"]
    return Recording(
        method=request["method"],
        path=request["path"],
        headers=request["headers"],
        body=request["body"],
        status=response["status"],
        answer=response["body"],
    )


def stable(value: object, key: str = "") -> object:
    """Replace what differs from run to run (ids, times, codes, addresses) by placeholders."""
    if isinstance(value, dict):
        return {name: stable(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [stable(item) for item in value]
    if key in _MOMENTS and value is not None:
        return "<varies>"
    if isinstance(value, str):
        for pattern, placeholder in _PLACEHOLDERS:
            value = pattern.sub(placeholder, value)
    return value


def load_webhook(path: Path) -> dict[str, Any]:
    """Return the body of a recorded delivery."""
    body: dict[str, Any] = json.loads(path.read_text())["request"]["body"]
    return body
