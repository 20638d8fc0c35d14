"""What can go wrong, each with a sentence a person can act on."""


class ControlPlaneError(Exception):
    """A control plane did not start, or died."""


class UnavailableError(ControlPlaneError):
    """This machine has no way to a real API server; the message says what to install."""


class BuildError(ControlPlaneError):
    """The Go build of the control plane failed; the message ends with what the compiler said."""
