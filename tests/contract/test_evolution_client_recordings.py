"""The Evolution client is driven over what a real 2.3.7 was recorded to be asked and to answer.

A server gives the recorded answer; what the client sends must be the recorded request, and what it makes of the
answer must be what the answer says.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

import pytest
from aiohttp import web

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.evolution.bots import BotKind
from controller.providers.evolution.client import EvolutionClient
from controller.providers.evolution.errors import CauseHidden
from tests.providers.conftest import generous_limiter
from tests.recording_summary import DRIVEN
from tests.runtime.scripted_server import Handler, ScriptedServer, says

from .evolution_calls import OPERATIONS, Operation
from .recordings import DATA, Recording, folder, load

ANOTHERS: Final = (
    r"/(health|metrics/enable|verify-creds|)",
    r"/(chatwoot|proxy|rabbitmq|sqs|websocket|template|message|session)/.*",
    r"/webhook/(meta|evolution).*",
    r"/settings/find/.*",  # settings come with the row
    r"/instance/(restart|setPresence)/.*",
    r"/instance/(status|evo-min/whatsapp/setup)",
    r"/instance/fetchInstances\?(number|instanceId)=.*",
    r"/chat/(fetch|find|updatePrivacy|updateProfilePicture|whatsappNumbers).*",
    r"/\w+/(fetch|fetchSessions|changeStatus|ignoreJid|getModels)/.*",  # bots are read by their list
)
"""Requests that the client never sends."""

STAND_INS: Final = {
    "create-evolution-full": """
        create-bad-integration create-bad-json create-bad-number create-bad-types create-empty-name
        create-missing-integration create-no-name create-webhook-no-events plan-create-shape
    """,
    "create-business-bad-graph-token": """
        create-business create-business-no-number create-business-no-token
    """,
    "create-baileys-noqr": "fakewa-create-baileys-qrcode",
    "settings-set": "settings-set-partial settings-set-wavoip",
    "webhook-set": "webhook-set-flat-body webhook-set-jwt webhook-set-no-events",
    "openai-create": """
        openai-create-missing openai-create-no-model openai-create-assistant-no-id
        openai-create-keyword-without-operator
    """,
    "openai-creds-create": "openai-creds-missing",
    "openai-settings": "openai-settings-fallbackId",
    **{f"{kind}-update": f"{kind}-update-partial" for kind in BotKind},
    **{f"{kind}-create": f"{kind}-create-missing" for kind in BotKind if kind is not BotKind.OPENAI},
}
"""Bodies that the client cannot be made to send, each under one that it sends instead."""

REFUSALS: Final[Mapping[tuple[type[OutsideError], Reason], str]] = {
    (Unauthorized, Reason.WRONG_CREDENTIALS): """
        auth-bearer-header-ignored auth-nokey auth-token-create auth-token-other-state auth-wrongkey
        fetchInstances-token-othername
    """,
    (NotFound, Reason.SERVER_UNAVAILABLE): """
        fakewa-state-after-delete second-server-token-of-other state-after-delete-2 state-after-recreate
        state-unknown state-unknown-nokey
        openai-create-bad-creds openai-settings-creds-of-other openai-update-missing
    """,
    (Conflict, Reason.NAME_TAKEN): """
        create-duplicate create-race-0 create-race-2 create-right-after-delete create-while-deleting
        first-server-create-after-foreign-delete second-server-create-same-name
        dify-create-identical evoai-create-identical evolutionBot-create-identical flowise-create-identical
        n8n-create-identical typebot-create-identical openai-create-dup-same-model openai-create-keyword-dup
        dify-create-second-all evoai-create-second-all evolutionBot-create-second-all
        flowise-create-second-all n8n-create-second-all openai-create-second-all typebot-create-second-all
        openai-creds-dup-name-other-instance openai-creds-dup-name-same-instance openai-delete-creds-in-use
    """,
    (Terminal, Reason.API_KEY_IN_USE): "openai-creds-dup-key-other-instance",
    (Terminal, Reason.UNSUPPORTED_CHANNEL): """
        profile-name-biz-1 profile-name-evo-min profile-status-biz-1 profile-status-evo-min
    """,
    (Terminal, Reason.REFUSED): """
        create-bad-integration create-bad-json create-bad-number create-bad-types create-business-no-number
        create-business-no-token create-missing-integration plan-create-shape
        settings-set-long-msgcall settings-set-partial webhook-set-bad-event webhook-set-flat-body
        dify-create-missing evoai-create-missing evolutionBot-create-missing flowise-create-missing
        n8n-create-missing openai-create-missing typebot-create-missing
        dify-update-partial evoai-update-partial evolutionBot-update-partial flowise-update-partial
        n8n-update-partial openai-update-partial typebot-update-partial
        openai-create-assistant-no-id openai-create-keyword-without-operator openai-create-no-model
        openai-creds-missing
    """,
    (Retryable, Reason.SERVER_UNAVAILABLE): """
        create-long-name create-no-name create-webhook-no-events settings-set-wavoip webhook-set-no-events
        first-server-fetch-all-hides-b first-server-settings-set-after-foreign-delete
        second-server-connect-of-other second-server-fetch-of-other second-server-settings-set-of-other
        second-server-webhook-set-of-other
    """,
    (Retryable, Reason.WAITING_FOR_CONNECTION): "fakewa-profile-name profile-name-wa-1 profile-status-wa-1",
    (CauseHidden, Reason.SERVER_UNAVAILABLE): "openai-settings-fallbackId",
}
"""What is not understood as success; everything else is."""

LATER: Final[Mapping[str, tuple[str, ...]]] = {
    "fetchInstances-after-delete": ("state-after-delete-2",),
    "fetchInstances-by-missing-name": ("state-unknown",),
    "first-server-fetch-all-hides-b": ("second-server-state-of-other",),
    "second-server-fetch-of-other": ("second-server-state-of-other",),
    "openai-create-bad-creds": ("openai-creds-find",),
    "openai-update-missing": ("openai-find",),
    "openai-delete-again": ("openai-fetchSessions",),  # an empty list as well
    "openai-delete-creds-in-use": ("openai-creds-find",),
    "openai-settings-creds-of-other": ("second-server-openai-find-of-other",),
    "openai-settings-fallbackId": ("openai-creds-find",),
}
"""What the client asks to learn why it was refused, and is answered."""

NOT_WANTED: Final = {"basicAuthPassword", "openaiIdFallback"}  # taken and ignored by the server
OUR_CHOICE: Final = {"qrcode", "webhook.byEvents", "webhook.base64"}  # always off


def exchanges() -> Mapping[str, Recording]:
    """Everything that was asked and answered; what the server sends by itself is not among it."""
    files = sorted(DATA.joinpath("recordings", "evolution").glob("*.json"))
    return {
        path.stem: load(path)
        for path in files
        if "headers" in json.loads(path.read_text()).get("response", {})
    }


EXCHANGES: Final = exchanges()
REFUSED: Final = {name: error for error, names in REFUSALS.items() for name in names.split()}
STAND_IN: Final = {name: instead for instead, names in STAND_INS.items() for name in names.split()}


def driven() -> Iterator[tuple[str, Operation]]:
    """Every exchange with the methods of the client that send its request."""
    for name, recording in EXCHANGES.items():
        for operation in OPERATIONS:
            if operation.parts(recording) is not None:
                yield name, operation


def gives(recording: Recording) -> Handler:
    """The recorded answer."""
    if not isinstance(recording.answer, str):
        return says(recording.answer, recording.status)
    text = recording.answer

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(text=text, status=recording.status)

    return answer


def assert_as_recorded(request: web.BaseRequest, content: bytes, recording: Recording) -> None:
    assert request.method == recording.method
    assert unquote(request.path_qs) == unquote(recording.path)
    assert (request.headers.get("apikey") is None) == (request.path == "/metrics")
    recorded, body = leaves(recording.body), leaves(json.loads(content or b"null"))
    assert {*recorded} - {*body} <= NOT_WANTED
    for name, value in body.items():
        known = recorded if name in recorded else vocabulary(recording)
        assert name in known, f"{name} was never sent to this route, nor was it among its answers"
        assert type(value) is type(known[name]), name
        if name in recorded and name not in OUR_CHOICE:
            assert value == recorded[name], name


def vocabulary(recording: Recording) -> dict[str, object]:
    """What may be sent to the route besides what was sent this time, each with an example.

    What other recordings sent to the route counts, and what they sent to those that take the same; of bots also
    what the server answers with, since it answers with what it stores.
    """
    first, second = recording.path.split("/")[1:3]
    related = {f"/{first}/{second}"}
    if second in {"create", "update"}:
        related |= {f"/{first}/create", f"/{first}/update"}
    if first == "instance":
        related.add("/webhook/set")
    words: dict[str, object] = {}
    for other in EXCHANGES.values():
        if other.method != "GET" and other.path.startswith(tuple(related)):
            answered = leaves(other.answer) if first in {*BotKind} else {}
            words |= {name: value for name, value in answered.items() if value is not None}
            words |= leaves(other.body)
    return words


def leaves(body: object) -> dict[str, object]:
    """Members of a body; of its webhook they are named `webhook.url` and so on."""
    found: dict[str, object] = {}
    for name, value in body.items() if isinstance(body, dict) else ():
        inner = leaves(value) if name == "webhook" else {}
        found |= {f"{name}.{key}": item for key, item in inner.items()} if inner else {name: value}
    return found


@pytest.mark.parametrize(
    ("name", "operation"), [*driven()], ids=[f"{name}-{one.act.__name__}" for name, one in driven()]
)
async def test_the_client_asks_and_understands_as_recorded(
    name: str, operation: Operation, record_property: Callable[[str, object], None]
) -> None:
    recording = EXCHANGES[name]
    wanted = replace(recording, body=EXCHANGES[STAND_IN[name]].body) if name in STAND_IN else recording
    parts = operation.parts(recording)
    assert parts is not None
    later = [gives(EXCHANGES[other]) for other in LATER.get(name, ())]
    refusal: OutsideError | None = None
    async with ScriptedServer(gives(recording), *later, says({}, 599)) as server:
        client = EvolutionClient(base_url=server.url, api_key="the-key", limiter=generous_limiter())
        try:
            await operation.act(client, wanted, parts)
        except OutsideError as error:
            refusal = error
        await client.close()

    assert len(server.requests) == 1 + len(later)
    assert_as_recorded(server.requests[0], server.bodies[0], wanted)
    assert ((type(refusal), refusal.reason) if refusal else None) == REFUSED.get(name)
    if refusal is not None:
        assert_fit_for_a_status(refusal.message, wanted)
    record_property(DRIVEN, name)


def assert_fit_for_a_status(message: str, recording: Recording) -> None:
    assert len(message) <= 512
    assert "\n" not in message
    assert "invocation" not in message
    hidden = {"token", "apiKey", "basicAuthPass", "apiUrl", "webhookUrl", "agentUrl", "webhook.headers"}
    for name, value in leaves(recording.body).items():
        if name in hidden:
            assert str(value) not in message


def test_every_recording_is_driven_or_of_a_route_that_the_client_leaves_alone() -> None:
    folder("recordings", "evolution")
    ours = {name for name, _ in driven()}
    others = {
        name
        for name, recording in EXCHANGES.items()
        if any(re.fullmatch(pattern, recording.path) for pattern in ANOTHERS)
    }
    assert EXCHANGES.keys() - ours - others == set()
    assert ours & others == set()
    assert ours >= {*STAND_IN, *REFUSED, *LATER}


def test_every_operation_was_recorded() -> None:
    folder("recordings", "evolution")
    recorded = {operation.act.__name__ for _, operation in driven()}
    assert recorded == {operation.act.__name__ for operation in OPERATIONS}
