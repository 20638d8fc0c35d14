"""/metrics of an Evolution server: the one call that tells the live state of every instance."""

import re
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from controller.providers.evolution.protocol import LiveStates, SessionState
from controller.providers.evolution.wire import session_state

_INFO: Final = "evolution_environment_info{"
_STATE: Final = "evolution_instance_state{"
# As the server writes it; whatever looks otherwise, a quoted character first of all, is left to the library.
_PLAIN: Final = re.compile(
    r'evolution_instance_state\{instance="(?P<instance>[^"\\]*)",integration="[^"\\]*",state="(?P<state>[^"\\]*)"\}'
    r" (?P<value>[0-9]+)"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """What a line of the page says of an instance."""

    instance: str
    state: SessionState


class MetricsPage:
    """Reads the page of one server again and again: a line that stood there the last time is not parsed anew.

    Parsing costs about 25 µs a line, the page is read every 30 s, and hardly any line of it changes.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Line | None] = {}

    def read(self, text: str) -> LiveStates:
        """The two series that we use. Raises `ValueError` when this is not an Evolution server's page."""
        lines = text.splitlines()
        info = next((line for line in lines if line.startswith(_INFO)), None)
        if info is None:
            raise ValueError("no evolution_environment_info on the page")
        about = _sample(info).labels
        told = [line for line in lines if line.startswith(_STATE)]
        known, self._known = self._known, {}
        for line in told:
            self._known[line] = known[line] if line in known else _read(line)
        states = {one.instance: one.state for one in self._known.values() if one is not None}
        return LiveStates(about.get("version", ""), about.get("clientName", ""), states)


def _read(line: str) -> _Line | None:
    """None for a state that an instance is not in, or that we do not know."""
    sample = _sample(line)
    instance, state = sample.labels.get("instance"), session_state(sample.labels.get("state"))
    return (
        _Line(instance, state) if sample.value == 1 and instance is not None and state is not None else None
    )


def _sample(line: str) -> Sample:
    (family,) = text_string_to_metric_families(f"{line}\n")
    return family.samples[0]
