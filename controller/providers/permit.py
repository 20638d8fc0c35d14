"""Leave to ask the outside world, which may end while work is under way.

Whoever begins work says how to find out whether it still may be done; the transport asks right before every request.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_permit: Final[ContextVar[Callable[[], bool] | None]] = ContextVar("permit", default=None)


class NotPermittedError(Exception):
    """The work is somebody else's by now: nothing more may be sent for it."""


@contextmanager
def permitted_while(holds: Callable[[], bool]) -> Iterator[None]:
    """Requests within are sent only while `holds()`."""
    token = _permit.set(holds)
    try:
        yield
    finally:
        _permit.reset(token)


def require_permit() -> None:
    """Raise `NotPermittedError` when the work of this task may no longer be done."""
    holds = _permit.get()
    if holds is not None and not holds():
        raise NotPermittedError("This process no longer holds what the work was for.")
