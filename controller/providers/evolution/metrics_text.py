"""/metrics of an Evolution server: the one call that tells the live state of every instance."""

from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from controller.providers.evolution.protocol import LiveStates, SessionState
from controller.providers.evolution.wire import session_state

_INFO: Final = "evolution_environment_info"
_STATE: Final = "evolution_instance_state"


def live_states_of(text: str) -> LiveStates:
    """Read the two series that we use. Raises `ValueError` when this is not an Evolution server's page."""
    # The others are half of the page, and reading costs about 20 µs a line.
    lines = (line for line in text.splitlines() if line.startswith((_INFO, _STATE)))
    version = client_name = None
    states: dict[str, SessionState] = {}
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        for sample in family.samples:
            labels = sample.labels
            if sample.name == _INFO:
                version, client_name = labels.get("version", ""), labels.get("clientName", "")
            elif sample.name == _STATE and sample.value == 1:
                state = session_state(labels.get("state"))
                if state is not None:
                    states[labels["instance"]] = state
    if version is None or client_name is None:
        raise ValueError(f"no {_INFO} on the page")
    return LiveStates(version=version, client_name=client_name, states=states)
