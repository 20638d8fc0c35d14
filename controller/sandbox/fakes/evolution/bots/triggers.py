"""Which bot of a kind answers a message. The order of the triggers is as read in the server's source."""

import re
from collections.abc import Callable, Iterable

from controller.sandbox.fakes.evolution.bots.kinds import Trigger
from controller.sandbox.fakes.evolution.bots.store import Bot

_Matches = Callable[[str, str], bool]

_KEYWORDS: tuple[tuple[str, _Matches], ...] = (
    ("equals", lambda text, value: text == value),
    ("regex", lambda text, value: _finds(value, text)),
    ("startsWith", str.startswith),
    ("endsWith", str.endswith),
    ("contains", lambda text, value: value in text),
)
_CONDITIONS: dict[str, _Matches] = {
    "contains": lambda text, value: value.lower() in text.lower(),
    "notcontains": lambda text, value: value.lower() not in text.lower(),
    "startswith": lambda text, value: text.lower().startswith(value.lower()),
    "endswith": lambda text, value: text.lower().endswith(value.lower()),
    "exact": lambda text, value: text.lower() == value.lower(),
    "regex": lambda text, value: _finds(value, text),
}


def triggered(bots: Iterable[Bot], text: str) -> Bot | None:
    """Return the bot that the text calls: `all` and `none` first, then `advanced`, then the keywords."""
    enabled = [bot for bot in bots if bot.values["enabled"] is True]
    for bot in enabled:
        if bot.values["triggerType"] in (Trigger.ALL, Trigger.NONE):
            return bot
    for bot in enabled:
        if bot.values["triggerType"] == Trigger.ADVANCED and _advanced(bot.text("triggerValue"), text):
            return bot
    keyword = [bot for bot in enabled if bot.values["triggerType"] == Trigger.KEYWORD]
    for operator, matches in _KEYWORDS:
        for bot in keyword:
            if bot.values["triggerOperator"] == operator and matches(text, bot.text("triggerValue")):
                return bot
    return None


def _advanced(expression: str, text: str) -> bool:
    """Conditions such as `contains:price AND notcontains:list`; AND and OR go from left to right."""
    result = True
    joined = "and"
    for part in re.split(r"\s+(AND|OR)\s+", expression, flags=re.IGNORECASE):
        if part.lower() in ("and", "or"):
            joined = part.lower()
            continue
        name, _, value = part.strip().partition(":")
        holds = _CONDITIONS.get(name.strip().lower(), _never)(text, value.strip())
        result = (result and holds) if joined == "and" else (result or holds)
    return result


def _never(_text: str, _value: str) -> bool:
    return False


def _finds(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
