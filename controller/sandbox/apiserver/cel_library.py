"""The functions that Kubernetes adds to CEL, for the CEL environment of the embedded API server.

Opaque types (url, quantity, IP) are carried as the strings they were made from. Functions that are not here make a
rule fail to compile, which refuses the CRD or policy that uses it.
"""

import ipaddress
import re
import urllib.parse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

_STRING, _BOOL, _INT, _DYN = cel.Type.STRING, cel.Type.BOOL, cel.Type.INT, cel.Type.DYN
_LIST = cel.Type.List(cel.Type.DYN)

_SUFFIXES: Final = {
    "": Decimal(1),
    **{
        suffix: Decimal(10) ** exponent
        for suffix, exponent in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
    },
    **{f"{suffix}i": Decimal(1024) ** (power + 1) for power, suffix in enumerate("KMGTPE")},
}
_QUANTITY: Final = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?\Z")


def parse_quantity(text: str) -> Decimal:
    """The number a Kubernetes quantity (`500m`, `1Gi`, `1e3`) stands for.

    Raises:
        ValueError: `text` is not a quantity.

    """
    match = _QUANTITY.match(text)
    if match is None:
        message = (
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
        raise ValueError(message)
    number, suffix, exponent = match.groups()
    try:
        return Decimal(number) * (Decimal(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""])
    except InvalidOperation as error:
        raise ValueError(str(error)) from error


def _is(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    def constructor(text: str) -> str:
        parse(text)
        return text

    return constructor


def _parse_url(text: str) -> urllib.parse.SplitResult:
    parts = urllib.parse.urlsplit(text)
    if not (parts.scheme or text.startswith("/")) or any(character.isspace() for character in text):
        message = f"URL parse error during conversion from string: parse {text!r}: invalid URI for request"
        raise ValueError(message)
    return parts


def _hostname(text: str) -> str:
    return _parse_url(text).hostname or ""


def _port(text: str) -> str:
    port = _parse_url(text).port
    return "" if port is None else str(port)


def _compare(left: str, right: str) -> int:
    a, b = parse_quantity(left), parse_quantity(right)
    return (a > b) - (a < b)


def _find(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    return match.group() if match else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [match.group() for match in re.finditer(pattern, text)]


def _function(
    name: str, parameters: list[cel.Type], result: cel.Type, implementation: Callable[..., Any]
) -> cel.FunctionDecl:
    return _declare(name, parameters, result, implementation, is_member=False)


def _member(
    name: str, parameters: list[cel.Type], result: cel.Type, implementation: Callable[..., Any]
) -> cel.FunctionDecl:
    return _declare(name, parameters, result, implementation, is_member=True)


def _declare(
    name: str,
    parameters: list[cel.Type],
    result: cel.Type,
    implementation: Callable[..., Any],
    *,
    is_member: bool,
) -> cel.FunctionDecl:
    overload = cel.Overload(
        f"k8s_{name}", return_type=result, parameters=parameters, is_member=is_member, impl=implementation
    )
    return cel.FunctionDecl(name, [overload])


FUNCTIONS: Final = [
    _function("isURL", [_STRING], _BOOL, _is(_parse_url)),
    _function("url", [_STRING], _STRING, _checked(_parse_url)),
    _member("getScheme", [_STRING], _STRING, lambda text: _parse_url(text).scheme),
    _member("getHost", [_STRING], _STRING, lambda text: _parse_url(text).netloc.rpartition("@")[2]),
    _member("getHostname", [_STRING], _STRING, _hostname),
    _member("getPort", [_STRING], _STRING, _port),
    _member("getEscapedPath", [_STRING], _STRING, lambda text: _parse_url(text).path),
    _member(
        "getQuery",
        [_STRING],
        cel.Type.Map(_STRING, cel.Type.List(_STRING)),
        lambda text: urllib.parse.parse_qs(_parse_url(text).query, keep_blank_values=True),
    ),
    _function("isIP", [_STRING], _BOOL, _is(ipaddress.ip_address)),
    _function("isCIDR", [_STRING], _BOOL, lambda text: "/" in text and _is(ipaddress.ip_network)(text)),
    _function("isQuantity", [_STRING], _BOOL, _is(parse_quantity)),
    _function("quantity", [_STRING], _STRING, _checked(parse_quantity)),
    _member("compareTo", [_STRING, _STRING], _INT, _compare),
    _member("isGreaterThan", [_STRING, _STRING], _BOOL, lambda a, b: _compare(a, b) > 0),
    _member("isLessThan", [_STRING, _STRING], _BOOL, lambda a, b: _compare(a, b) < 0),
    _member("find", [_STRING, _STRING], _STRING, _find),
    _member("findAll", [_STRING, _STRING], cel.Type.List(_STRING), _find_all),
    _member("isSorted", [_LIST], _BOOL, lambda items: items == sorted(items)),
    _member("sum", [_LIST], _DYN, sum),
    _member("min", [_LIST], _DYN, min),
    _member("max", [_LIST], _DYN, max),
    _function("sets.contains", [_LIST, _LIST], _BOOL, lambda a, b: all(item in a for item in b)),
    _function("sets.intersects", [_LIST, _LIST], _BOOL, lambda a, b: any(item in a for item in b)),
    _function(
        "sets.equivalent",
        [_LIST, _LIST],
        _BOOL,
        lambda a, b: all(item in a for item in b) and all(item in b for item in a),
    ),
]


def environment(variables: dict[str, cel.Type]) -> cel.Env:
    """A CEL environment with the standard extensions, the Kubernetes functions and these variables."""
    extensions = [
        ext_strings.ExtStrings(),
        ext_optional.ExtOptional(),
        ext_math.ExtMath(),
        ext_bindings.ExtBindings(),
        ext_encoders.ExtEncoders(),
    ]
    return cel.NewEnv(variables=variables, extensions=extensions, functions=FUNCTIONS)
