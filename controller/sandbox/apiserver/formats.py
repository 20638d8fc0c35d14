"""The string formats that kube-apiserver checks in CRD schemas; others are ignored, as it does."""

import base64
import binascii
import ipaddress
import re
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_DURATION = re.compile(
    r"[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)(((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*)\Z"
)
_SCALA_DURATION = re.compile(
    r"(\d+)\s*(ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?"
    r"|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\Z"
)
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\Z")
_HOSTNAME = re.compile(
    r"([a-zA-Z0-9\u00a1-\uffff]([a-zA-Z0-9\u00a1-\uffff-]{0,62}[a-zA-Z0-9\u00a1-\uffff])?)"
    r"(\.[a-zA-Z0-9\u00a1-\uffff]([a-zA-Z0-9\u00a1-\uffff-]{0,62}[a-zA-Z0-9\u00a1-\uffff])?)*\.?\Z"
)
_MAC = re.compile(
    r"([0-9a-fA-F]{2}[:-]){5}([0-9a-fA-F]{2}[:-]?)*[0-9a-fA-F]{2}\Z|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}\Z"
)
_HEX_COLOR = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
_SHORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LONG_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LONG_NAME_MAX: Final = 253


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _is_date_time(text: str) -> bool:
    return bool(_DATE_TIME.match(text)) and _parses(datetime.fromisoformat)(text.upper())


def _is_request_uri(text: str) -> bool:
    """As Go's `url.ParseRequestURI`: an absolute URI or an absolute path."""
    if not text or any(ord(character) <= ord(" ") for character in text):
        return False
    parts = urllib.parse.urlsplit(text)
    return bool(parts.scheme) or text.startswith("/")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(text)


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "datetime": _is_date_time,
    "date": lambda text: bool(_DATE.match(text)) and _parses(datetime.fromisoformat)(text),
    "duration": lambda text: text == "0" or bool(_DURATION.match(text) or _SCALA_DURATION.match(text)),
    "uri": _is_request_uri,
    "email": lambda text: bool(_EMAIL.match(text)),
    "hostname": lambda text: len(text) <= _LONG_NAME_MAX + 2 and bool(_HOSTNAME.match(text)),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": lambda text: "/" in text and _parses(lambda t: ipaddress.ip_network(t, strict=False))(text),
    "mac": lambda text: bool(_MAC.match(text)),
    "uuid": _parses(uuid.UUID),
    "byte": _is_base64,
    "password": lambda _: True,
    "hexcolor": lambda text: bool(_HEX_COLOR.match(text)),
    "k8sshortname": lambda text: bool(_SHORT_NAME.match(text)),
    "k8slongname": lambda text: len(text) <= _LONG_NAME_MAX and bool(_LONG_NAME.match(text)),
}
"""Format name without its dashes -> check."""
