"""Faults a person or a test orders: which requests fail, how, and how often."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What happens to a request that a rule matches."""

    STATUS = "status"
    """Answer with a status in the provider's own error shape; the work is not done."""
    STATUS_AFTER = "status-after"
    """Do the work, then answer with a status as if it were not done."""
    DROP_BEFORE = "drop-before"
    """Close the connection before the work is done."""
    DROP_AFTER = "drop-after"
    """Do the work, then close the connection without answering."""
    DELAY = "delay"
    """Wait, then go on."""


class InvalidFaultError(ValueError):
    """A fault rule that cannot be understood; the message says what to write instead."""


@dataclass(slots=True)
class FaultRule:
    """One ordered fault. `remaining` is None for a fault that stays until it is cleared; `skip` requests pass first."""

    match: str
    action: str
    kind: FaultKind
    pattern: re.Pattern[str]
    status: int = 0
    delay: float = 0.0
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    remaining: int | None = None
    skip: int = 0
    hits: int = 0

    def describe(self) -> dict[str, object]:
        return {"match": self.match, "action": self.action, "remaining": self.remaining, "hits": self.hits}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules decided for one request: wait `delay` seconds, then apply `rule` if there is one."""

    delay: float = 0.0
    rule: FaultRule | None = None


class Faults:
    """The rules in force. The first rule that matches decides; a delay lets the next rules decide too."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []

    def add(self, orders: Iterable[FaultRule]) -> None:
        self._rules.extend(orders)

    def clear(self) -> None:
        self._rules.clear()

    def describe(self) -> list[dict[str, object]]:
        return [rule.describe() for rule in self._rules]

    def take(self, method: str, path: str) -> Verdict:
        """Decide one request, and count it against every rule that was applied to it."""
        if not self._rules:
            return Verdict()
        request = f"{method} {path}"
        delay = 0.0
        for rule in self._rules:
            if rule.remaining == 0 or rule.pattern.fullmatch(request) is None:
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            rule.hits += 1
            if rule.remaining is not None:
                rule.remaining -= 1
            if rule.kind is not FaultKind.DELAY:
                return Verdict(delay, rule)
            delay += rule.delay
        return Verdict(delay)


def parse_fault(order: object) -> FaultRule:
    """Read one rule: `{"match": "POST /a/*/b", "action": "status:500", "times": 1}`, maybe `body`, `headers`,
    `skip`.

    `*` in `match` stands for one path segment (or one part of it), a trailing `**` for the rest of the path,
    and `*` as the method for any method. `times` left out means until the faults are cleared; `"skip": 1` lets one
    request pass first, such as that for the first page of a list.

    Raises InvalidFaultError.
    """
    if not isinstance(order, Mapping):
        raise InvalidFaultError('A fault is an object such as {"match": "GET /x/*", "action": "status:500"}.')
    match, action, times = order.get("match"), order.get("action"), order.get("times")
    skip = order.get("skip", 0)
    if not isinstance(match, str) or len(match.split(" ")) != 2 or not match.split(" ")[1].startswith("/"):  # noqa: PLR2004
        raise InvalidFaultError(f'"match" must be a method and a path such as "POST /x/*", not {match!r}.')
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise InvalidFaultError(
            f'"times" must be a number from 1, or be left out for "for ever", not {times!r}.'
        )
    if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
        raise InvalidFaultError(f'"skip" must be a number from 0, not {skip!r}.')
    headers = order.get("headers") or {}
    if not isinstance(headers, Mapping):
        raise InvalidFaultError('"headers" must be an object of header names and values.')
    rule = _parse_action(match, action)
    rule.body = order.get("body")
    rule.headers = {str(name): str(value) for name, value in headers.items()}
    rule.remaining = times
    rule.skip = skip
    return rule


def _parse_action(match: str, action: object) -> FaultRule:
    pattern = _compile(match)
    if isinstance(action, str):
        if action in (FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER):
            return FaultRule(match, action, FaultKind(action), pattern)
        name, _, argument = action.partition(":")
        if name in (FaultKind.STATUS, FaultKind.STATUS_AFTER) and re.fullmatch(r"[1-5]\d\d", argument):
            return FaultRule(match, action, FaultKind(name), pattern, status=int(argument))
        if name == FaultKind.DELAY and re.fullmatch(r"\d+(\.\d+)?s", argument):
            return FaultRule(match, action, FaultKind.DELAY, pattern, delay=float(argument[:-1]))
    raise InvalidFaultError(
        '"action" must be "status:<code>", "status-after:<code>", "drop-before", "drop-after" or "delay:<seconds>s", '
        f"not {action!r}.",
    )


def _compile(match: str) -> re.Pattern[str]:
    method, path = match.split(" ")
    rest = path.endswith("**")
    fixed = path[:-2] if rest else path
    expression = re.escape(fixed).replace(r"\*", "[^/]+")
    return re.compile(
        ("[A-Z]+" if method == "*" else re.escape(method)) + " " + expression + (".*" if rest else "")
    )
