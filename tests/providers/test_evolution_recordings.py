"""What a real Evolution 2.3.7 was recorded to answer, and what we make of it."""

import json

import pytest

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.evolution.errors import Asked, CauseHidden, NotConnected, UnknownRoute, judge_answer
from controller.providers.evolution.metrics_text import MetricsPage
from controller.providers.evolution.protocol import SessionState
from controller.providers.evolution.wire import INSTANCES, WEBHOOK
from controller.providers.transport import Answer, Refusal
from tests.contract.recordings import folder, load


def recorded(name: str) -> Answer:
    recording = load(folder("recordings", "evolution") / f"{name}.json")
    body = recording.answer
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(recording.status, content, {})


def judged(name: str) -> Refusal | None:
    return judge_answer(recorded(name), Asked("The server", "POST", "POST /x", []))


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("auth-wrongkey", Unauthorized, Reason.WRONG_CREDENTIALS),
        ("create-duplicate", Conflict, Reason.NAME_TAKEN),
        ("create-while-deleting", Conflict, Reason.NAME_TAKEN),
        ("create-bad-types", Terminal, Reason.REFUSED),
        ("create-long-name", Retryable, Reason.SERVER_UNAVAILABLE),
        ("delete-missing", NotFound, Reason.SERVER_UNAVAILABLE),
        ("fetchInstances-by-missing-name", NotFound, Reason.SERVER_UNAVAILABLE),
        ("state-unknown", NotFound, Reason.SERVER_UNAVAILABLE),
        ("plan-restart-put-404", UnknownRoute, Reason.REFUSED),
        ("logout-baileys-closed", NotConnected, Reason.SERVER_UNAVAILABLE),
        ("fakewa-profile-name", Retryable, Reason.SERVER_UNAVAILABLE),
        ("profile-name-wa-1", Retryable, Reason.SERVER_UNAVAILABLE),
        ("profile-name-evo-min", Terminal, Reason.UNSUPPORTED_CHANNEL),
        ("restart-baileys-closed", Retryable, Reason.SERVER_UNAVAILABLE),
        ("settings-set-long-msgcall", Terminal, Reason.REFUSED),
        ("second-server-settings-set-of-other", Retryable, Reason.SERVER_UNAVAILABLE),
        ("dify-create-second-all", Conflict, Reason.NAME_TAKEN),
        ("openai-create-no-model", Terminal, Reason.REFUSED),
        ("openai-update-missing", CauseHidden, Reason.SERVER_UNAVAILABLE),
        ("openai-creds-dup-name-other-instance", CauseHidden, Reason.SERVER_UNAVAILABLE),
        ("openai-creds-dup-key-other-instance", Terminal, Reason.API_KEY_IN_USE),
    ],
)
def test_refusals(name: str, error: type[OutsideError], reason: Reason) -> None:
    refusal = judged(name)
    assert refusal is not None
    assert type(refusal.error) is error
    assert refusal.error.reason is reason
    # None of these was the whole server's failure.
    assert not refusal.unwell


@pytest.mark.parametrize(
    "name", ["create-evolution-full", "delete-evolution", "webhook-set", "settings-set", "fakewa-connect-qr"]
)
def test_successes(name: str) -> None:
    assert judged(name) is None


def test_a_database_error_is_told_by_its_last_line() -> None:
    refusal = judged("create-no-name")
    assert refusal is not None
    assert "Foreign key constraint violated" in refusal.error.message
    assert "invocation" not in refusal.error.message


def test_rows() -> None:
    rows = {row.name: row.to_row() for row in INSTANCES.validate_json(recorded("fetchInstances-all").content)}
    assert all(row.client_name == "evo_dev" and row.created_at for row in rows.values())
    (unlinked,) = (
        row.to_row() for row in INSTANCES.validate_json(recorded("fakewa-fetch-after-unlink").content)
    )
    assert unlinked.owner_number == "+5511990000005"
    assert unlinked.disconnection_code == 401
    assert unlinked.stored_state is SessionState.CLOSE


def test_live_states() -> None:
    live = MetricsPage().read(recorded("fakewa-metrics-open").text)
    assert live.version == "2.3.7"
    assert live.states["wa-qr"] is SessionState.CONNECTING


def test_webhooks() -> None:
    stored = WEBHOOK.validate_json(recorded("webhook-find").content)
    assert stored is not None
    assert stored.to_settings().headers["x-tenant"] == "evo-full"
    assert WEBHOOK.validate_json(recorded("webhook-find-none").content) is None
