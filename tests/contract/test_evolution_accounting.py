"""Every recording of a real Evolution is replayed against the fake, or left out for a reason."""

from collections.abc import Mapping

import pytest

from tests.recording_summary import LEFT_OUT, TOTAL

from . import (
    test_evolution_bots,
    test_evolution_cloud,
    test_evolution_instances,
    test_evolution_linked,
    test_evolution_resources,
    test_evolution_second_server,
    test_evolution_webhooks,
)
from .recordings import folder

REPLAYED = [
    test_evolution_bots.RECORDINGS,
    test_evolution_cloud.RECORDINGS,
    test_evolution_instances.RECORDINGS,
    test_evolution_linked.RECORDINGS,
    test_evolution_resources.RECORDINGS,
    test_evolution_second_server.RECORDINGS,
    test_evolution_webhooks.RECORDINGS,
]
WHY_NOT: Mapping[str, frozenset[str]] = {
    "a measurement, not an exchange": frozenset(
        {"scenario-create-race", "scenario-reconnect-loop", "scenario-scale-500"}
    ),
    "the answer is the name server's": frozenset({"profile-picture-wa-1"}),
}


def test_every_recording_is_replayed_or_left_out_for_a_reason(request: pytest.FixtureRequest):
    recordings = {path.stem for path in folder("recordings", "evolution").glob("*.json")}
    replayed, left_out = set().union(*REPLAYED), set().union(*WHY_NOT.values())

    assert recordings - replayed - left_out == set(), "neither replayed nor left out"
    assert (replayed | left_out) - recordings == set(), "there is no such recording"
    assert replayed & left_out == set(), "both replayed and left out"

    request.node.user_properties.append((TOTAL, len(recordings)))
    for reason, names in WHY_NOT.items():
        request.node.user_properties.append((LEFT_OUT, (reason, len(names))))
