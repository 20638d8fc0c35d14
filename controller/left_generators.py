"""Asynchronous generators that a library leaves suspended when its tasks are cancelled, closed in order.

kopf's watch is one generator in another, the outer one within a context manager. Cancelled between two events it leaves
both suspended. Python closes what is left all at once when the loop ends: the inner one may then be closed before the
outer one leaves its context, which fails and is logged as an error of ours.
"""

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from types import AsyncGeneratorType
from typing import Any
from weakref import WeakKeyDictionary

_Begun = WeakKeyDictionary[AsyncGenerator[Any, Any], None]

# Two operators in one process each close their own: a task has the value of where it was made.
_begun_here: ContextVar[_Begun | None] = ContextVar("_begun_here", default=None)


@asynccontextmanager
async def closing_generators(package: str) -> AsyncIterator[None]:
    """Close on leaving what generators of `package` this task and its children began and left, the outermost first.

    To be left when none of those children runs any more.
    """
    # In the order in which they were begun: a generator begins before those that it goes through.
    begun: _Begun = WeakKeyDictionary()
    before = sys.get_asyncgen_hooks().firstiter

    def remember(generator: AsyncGenerator[Any, Any]) -> None:
        if before is not None:
            before(generator)  # the event loop's own
        if _begun_here.get() is begun and _package_of(generator) == package:
            begun[generator] = None

    sys.set_asyncgen_hooks(firstiter=remember)
    _begun_here.set(begun)
    try:
        yield
    finally:
        # Whoever came after us calls us, and goes on doing so: what it calls does nothing any more.
        if sys.get_asyncgen_hooks().firstiter is remember:
            sys.set_asyncgen_hooks(firstiter=before)
        _begun_here.set(None)
        for generator in list(begun):
            await generator.aclose()


def _package_of(generator: AsyncGenerator[Any, Any]) -> str | None:
    frame = generator.ag_frame if isinstance(generator, AsyncGeneratorType) else None
    return None if frame is None else frame.f_globals.get("__name__", "").partition(".")[0]
