"""Compiling and evaluating CEL expressions, with the error texts of kube-apiserver (cel-go)."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cel_expr_python import cel

from .cel_library import environment

_TOKEN: Final = re.compile(
    r"""(?P<string>[rRbB]*(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"""|(?P<member>\.\??\s*[A-Za-z_]\w*)|(?P<name>[A-Za-z_]\w*)|(?P<other>[\s\S])"""
)
_TRANSLATED: Final = (
    (re.compile(r'Key not found in map : "(.*)"'), r"no such key: \1"),
    (re.compile(r"Index error: index=(-?\d+).*"), r"index out of bounds: \1"),
    (re.compile(r"divide by zero"), "division by zero"),
    (re.compile(r"No matching overloads found.*"), "no such overload"),
)


class CompileError(Exception):
    """The expression does not compile; the text says where."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An expression that could not be evaluated."""

    message: str
    no_such_overload: bool = False


@functools.cache
def _environment(names: tuple[str, ...]) -> cel.Env:
    return environment(dict.fromkeys(names, cel.Type.DYN))


@dataclass(frozen=True, slots=True)
class Bound:
    """Values of the variables, converted once for all expressions that are evaluated on them."""

    activation: cel.Activation


def bind(values: Mapping[str, Any], names: tuple[str, ...]) -> Bound:
    return Bound(_environment(names).Activation(values))


@dataclass(frozen=True, slots=True)
class Expression:
    text: str
    program: cel.Expression

    def evaluate(self, bound: Bound) -> Any | Failure:
        result = self.program.eval(bound.activation)
        if result.type() is cel.Type.ERROR or result.type() == cel.Type.ERROR:
            return _failure(str(result.value()))
        return result.plain_value()


def compile_expression(text: str, names: tuple[str, ...]) -> Expression:
    """Compile `text` with these variables.

    Raises:
        CompileError: a syntax error, an unknown name or function, or types that cannot fit.

    """
    try:
        return Expression(text, _environment(names).compile(text))
    except RuntimeError as error:
        raise CompileError(_tidy(str(error))) from None


def _failure(text: str) -> Failure:
    message = text.partition(": ")[2] or text
    for pattern, replacement in _TRANSLATED:
        if pattern.match(message):
            message = pattern.sub(replacement, message)
            break
    return Failure(message, no_such_overload=message == "no such overload")


def _tidy(text: str) -> str:
    return text.removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")


def uses(text: str, name: str) -> bool:
    """Whether the expression names this variable (not in a string, not as a member)."""
    return any(match["name"] == name for match in _TOKEN.finditer(text))


def selections(text: str, names: frozenset[str]) -> Iterator[list[tuple[str, int]]]:
    """The fields that are selected from these variables, one after another: names and where each stands.

    A method call ends a chain, as does an index.
    """
    chain: list[tuple[str, int]] | None = None
    for match in _TOKEN.finditer(text):
        if match["name"] in names:
            chain = []
        elif chain is not None and match["member"]:
            chain.append((match["member"].lstrip(".? \t\n"), match.start()))
        elif chain is not None:
            if match["other"] == "(" and chain:
                chain.pop()
            yield chain
            chain = None
    if chain:
        yield chain


def undefined_field(text: str, name: str, position: int) -> str:
    """The compiler's words for a field that the type does not have."""
    line = text.count("\n", 0, position)
    column = position - (text.rfind("\n", 0, position) + 1)
    shown = text.splitlines()[line]
    return f"ERROR: <input>:{line + 1}:{column + 1}: undefined field '{name}'\n | {shown}\n | {'.' * column}^"


def replace_name(text: str, name: str, replacement: str) -> str:
    """The expression with a variable replaced by another expression."""
    return "".join(replacement if match["name"] == name else match.group() for match in _TOKEN.finditer(text))
