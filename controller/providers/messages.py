"""Outside systems' error texts, made fit for a status: stable, short, one line, without secrets.

An unchanged failure must give an unchanged text, or every retry would write a status.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

LONGEST_MESSAGE: Final = 512
_REMOVED: Final = "***"
# Longer texts (bundled source code) are not searched through: nothing a person needs stands that far behind.
_LONGEST_INPUT: Final = 64 * 1024
_MOST_PASSES: Final = 8

_TERMINAL_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PRISMA_CALL: Final = re.compile(r"Invalid `[^`\n]+` invocation")
_STACK_FRAME: Final = re.compile(
    r"\s+at (?:async )?(?:[^\s()]+ )*?\(?[^\s()]*[/.\\][^\s()]*:\d+:\d+\)?(?=\s|$)"
)
_SOURCE_POSITION: Final = re.compile(r"(?:file://)?/[^\s:()]+:\d+(?::\d+)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPACE: Final = re.compile(r"\s+")

_VARYING: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\bRQ[0-9a-fA-F]{32}\b"), "<id>"),
    (
        re.compile(
            r"\b(request[ _-]?id|trace[ _-]?id|correlation[ _-]?id|fbtrace_id)(\"?\s*[:=]\s*\"?|\s+)"
            r"(?=[\w./+=-]*\d)[\w./+=-]+",
            re.IGNORECASE,
        ),
        r"\1\2<id>",
    ),
    (
        re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?"),
        "<time>",
    ),
    (
        re.compile(
            r"\b(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}(?: (?:GMT|UTC|[+-]\d{4}))?"
        ),
        "<time>",
    ),
    (re.compile(r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b"), "<time>"),
    (re.compile(r"\b(timestamp\"?\s*[:=]\s*\"?)\d+", re.IGNORECASE), r"\1<time>"),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "<id>"),
)


def stable_message(text: str, *, secrets: Iterable[str] = ()) -> str:
    """`text` on one line of at most 512 characters, without what changes from time to time.

    Left out: ids of requests, UUIDs, points in time, source frames (of a Prisma error only the last line is
    kept), and every one of `secrets`, also where it stands percent-encoded. The result of a result is the
    same again.
    """
    hidden = _forms_of(secrets)
    message = _without(text[:_LONGEST_INPUT], hidden)
    for _ in range(_MOST_PASSES):
        # Again until nothing changes: leaving something out may join the pieces of a secret or of a time.
        before, message = message, _without(_one_line(message), hidden)
        if message == before:
            break
    if len(message) <= LONGEST_MESSAGE:
        return message
    return message[: LONGEST_MESSAGE - 1].rstrip() + "…"


def _one_line(text: str) -> str:
    text = _TERMINAL_COLOURS.sub("", text)
    if _PRISMA_CALL.search(text):
        text = _last_line(text)
    text = _STACK_FRAME.sub("", text)
    text = _CONTROL.sub(" ", _SOURCE_POSITION.sub("<source>", text))
    text = _SPACE.sub(" ", text).strip()
    for pattern, replacement in _VARYING:
        text = pattern.sub(replacement, text)
    return text


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not _STACK_FRAME.fullmatch(" " + line)]
    return lines[-1] if lines else text


def _forms_of(secrets: Iterable[str]) -> list[str]:
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
    # The longest first: one secret may be part of another.
    return sorted(forms, key=len, reverse=True)


def _without(text: str, hidden: Iterable[str]) -> str:
    for form in hidden:
        text = text.replace(form, _REMOVED)
    return text
