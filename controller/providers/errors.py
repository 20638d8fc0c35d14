"""What an outside call can end in, as what the engine must do about it.

Every library error is mapped once, at the transport boundary, to one of these. Messages are stable (no
request ids, timestamps or source frames), at most 512 characters, and never hold a secret, so that an
unchanged failure changes no status.
"""

# ruff: noqa: N818 - the names say what to do, and read so in `except` and `match`.

from controller.api.conditions import Reason


class OutsideError(Exception):
    """An outside call did not do what was asked.

    `message` is a stable sentence for people; `reason` is what conditions say.
    """

    def __init__(self, message: str, *, reason: Reason) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class Retryable(OutsideError):
    """Worth trying again by itself.

    `after` is the wait in seconds that the other side asked for, if it did. `outcome_unknown` is True when
    the request may have been carried out (sent, no answer): look before repeating anything that is not
    idempotent.
    """

    def __init__(
        self, message: str, *, reason: Reason, after: float | None = None, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message, reason=reason)
        self.after = after
        self.outcome_unknown = outcome_unknown


class Terminal(OutsideError):
    """Refused as it stands; only a change of the spec, a referent or the account helps."""


class NeedsHuman(OutsideError):
    """Going on could touch what belongs to somebody else; a person must look."""


class NotFound(OutsideError):
    """The thing asked for does not exist (also: already gone)."""


class Conflict(OutsideError):
    """The thing is taken or in use: a number sold to somebody else, a name in use."""


class Unauthorized(OutsideError):
    """The credentials are refused: the whole account or server is affected, not one tenant."""
