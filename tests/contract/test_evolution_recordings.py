"""The fake Evolution answers what a real 2.3.7 was recorded to answer."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from controller.sandbox.fakes.evolution import EvolutionFake, Pace

from .recordings import Recording, folder, load, stable

GLOBAL_KEY = "global-key"
KEYS = {
    "<GLOBAL_KEY>": GLOBAL_KEY,
    "<WRONG>": "wrong-key",
    "<INSTANCE_TOKEN>": "tok-evo-full",
    "<OTHER_INSTANCE_TOKEN>": "tok-evo-full",
}
QUICK = Pace(qr_after=0, connect_wait=0.01, create_takes=0, reconnect_after=0, webhook_retries=())

AT_THE_BEGINNING = ("create-evolution-min", "create-evolution-full", "create-business", "create-baileys-noqr")

SINGLE = """
auth-bearer-header-ignored auth-nokey auth-wrongkey auth-token-create auth-token-other-state
auth-token-own-state connect-business-open connect-evolution-open create-bad-integration create-bad-json
create-bad-number create-bad-types create-business-no-number create-business-no-token
create-business-qrcode-true create-duplicate create-duplicate-token create-empty-name create-long-name
create-missing-integration create-no-name create-webhook-no-events create-weird-name delete-missing
fetchInstances-by-missing-name fetchInstances-by-missing-number fetchInstances-by-name
fetchInstances-by-number fetchInstances-token fetchInstances-token-othername health-404
inbound-evolution inbound-evolution-unknown logout-baileys-closed numbers-biz-1 numbers-evo-min
numbers-wa-1 plan-create-shape plan-metrics-enable-404 plan-restart-put-404 plan-session-404
plan-setup-404 plan-status-404 presence-bad presence-biz-1 presence-evo-min presence-wa-1
privacy-fetch-biz-1 privacy-fetch-evo-min privacy-fetch-wa-1 privacy-update-biz-1 privacy-update-evo-min
privacy-update-wa-1 profile-business-biz-1 profile-business-evo-min profile-business-wa-1
profile-fetch-biz-1 profile-fetch-evo-min profile-fetch-wa-1 profile-name-biz-1 profile-name-evo-min
profile-name-wa-1 profile-picture-biz-1 profile-picture-evo-min profile-status-biz-1
profile-status-evo-min profile-status-wa-1 restart-baileys-closed restart-business restart-evolution
root-get sendText-baileys-closed sendText-business sendText-evolution sendText-missing-text
sendText-number-int sendText-unknown sendText-v1-body sendText-v1-textMessage settings-find
settings-find-min settings-set settings-set-long-msgcall settings-set-partial settings-set-wavoip
state-baileys-new state-unknown state-unknown-nokey verify-creds-global verify-creds-nokey webhook-find
webhook-find-none webhook-set-bad-event webhook-set-flat-body webhook-set-no-events
"""

SEQUENCES = {
    "webhook": (
        "webhook-set webhook-set-bad-url webhook-set-empty-url webhook-set-jwt webhook-find-after "
        "webhook-set-disable webhook-set-partial-keeps-fields"
    ),
    "settings": "settings-set settings-set-wavoip settings-find-after-set",
    "business logout": (
        "create-business-qrcode-true logout-business state-business-after-logout connect-business-closed "
        "state-business-after-connect restart-business-closed logout-business-again "
        "fetchInstances-business-after-logout sendText-business-closed"
    ),
    "weird name": "create-weird-name state-weird-name delete-weird-name",
}

OPEN = """
fakewa-connect-open fakewa-fetch-open fakewa-fetchBusinessProfile fakewa-presence fakewa-privacy-fetch
fakewa-privacy-update fakewa-profile-name fakewa-profile-status fakewa-restart-open fakewa-sendText
fakewa-sendText-cus fakewa-sendText-number-not-on-whatsapp fakewa-settings-set fakewa-state-open
fakewa-whatsappNumbers fakewa-logout-open fakewa-delete-open
"""


@pytest.fixture
async def server() -> AsyncIterator[httpx.AsyncClient]:
    fake = EvolutionFake(
        api_key=GLOBAL_KEY, client_name="evo_dev", manual_pairing=True, delete_after=0, pace=QUICK
    )
    base_url = await fake.start()
    async with httpx.AsyncClient(base_url=base_url) as client:
        yield client
    await fake.stop()


async def replay(server: httpx.AsyncClient, recording: Recording) -> httpx.Response:
    headers = {
        name: KEYS.get(value, value) for name, value in recording.headers.items() if name != "authorization"
    }
    body = recording.body
    content = None
    if body is not None:
        # Nothing listens on the discard port: webhooks fail at once instead of reaching a stranger.
        text = body if isinstance(body, str) else json.dumps(body)
        content = text.replace("127.0.0.1:18090", "127.0.0.1:9")
    return await server.request(recording.method, recording.path, headers=headers, content=content)


async def assert_same(server: httpx.AsyncClient, recording: Recording) -> None:
    response = await replay(server, recording)
    assert response.status_code == recording.status, response.text
    assert stable(response.json() if response.content else None) == stable(recording.answer)


async def link(server: httpx.AsyncClient, name: str, number: str, profile_name: str) -> None:
    created = await server.post(
        "/instance/create",
        json={"instanceName": name, "integration": "WHATSAPP-BAILEYS"},
        headers={"apikey": GLOBAL_KEY},
    )
    assert created.status_code == 201
    await server.post(
        f"/_sandbox/instances/{name}/scan", json={"number": number, "profileName": profile_name}
    )
    state: dict[str, object] = {}
    while state.get("live") != "open":
        state = (await server.get(f"/_sandbox/instances/{name}")).json()


@pytest.mark.parametrize("name", SINGLE.split())
async def test_answers_as_recorded(server: httpx.AsyncClient, name: str):
    recordings = folder("recordings", "evolution")
    for earlier in AT_THE_BEGINNING:
        assert (await replay(server, load(recordings / f"{earlier}.json"))).status_code == 201

    await assert_same(server, load(recordings / f"{name}.json"))


@pytest.mark.parametrize("names", SEQUENCES.values(), ids=SEQUENCES.keys())
async def test_answers_a_sequence_as_recorded(server: httpx.AsyncClient, names: str):
    recordings = folder("recordings", "evolution")
    for earlier in AT_THE_BEGINNING:
        await replay(server, load(recordings / f"{earlier}.json"))

    for name in names.split():
        await assert_same(server, load(recordings / f"{name}.json"))


@pytest.mark.parametrize("name", OPEN.split())
async def test_answers_for_a_linked_instance_as_recorded(server: httpx.AsyncClient, name: str):
    recording = load(folder("recordings", "evolution") / f"{name}.json")
    await link(server, "wa-qr", "5511990000005", "Loja")
    for other in ("wa-r", "wao-000", "wao-001"):
        await link(server, other, "5511660000000", other)
    await server.post("/_sandbox/whatsapp", json={"unknownNumbers": ["5511990000000"]})

    await assert_same(server, recording)


async def test_row_after_a_logout_is_as_recorded(server: httpx.AsyncClient):
    recordings = folder("recordings", "evolution")
    await link(server, "wao-000", "5511660000000", "wao-000")
    await server.post("/_sandbox/instances/wao-000/counts", json={"messages": 1})

    for name in (
        "fakewa-logout-open",
        "fakewa-state-after-logout-open",
        "fakewa-fetch-after-logout-open",
        "fakewa-logout-again",
        "fakewa-delete-closed",
    ):
        await assert_same(server, load(recordings / f"{name}.json"))


async def test_connecting_instance_answers_as_recorded(server: httpx.AsyncClient):
    recordings = folder("recordings", "evolution")

    for name in (
        "fakewa-create-baileys-qrcode",
        "fakewa-connect-qr",
        "fakewa-connect-number-ignored",
        "fakewa-state-connecting",
        "fakewa-fetch-connecting",
    ):
        await assert_same(server, load(recordings / f"{name}.json"))


async def test_outage_answers_as_recorded(server: httpx.AsyncClient):
    recordings = folder("recordings", "evolution")
    await link(server, "wao-000", "5511660000000", "wao-000")
    await link(server, "wa-qr", "5511990000005", "Loja")
    await server.post("/_sandbox/instances/wao-000/counts", json={"messages": 1})
    await server.post("/_sandbox/whatsapp", json={"reachable": False})

    for name in ("fakewa-state-outage", "fakewa-fetch-outage", "fakewa-send-outage"):
        await assert_same(server, load(recordings / f"{name}.json"))


@pytest.mark.parametrize("name", ["metrics-empty", "metrics"])
async def test_metrics_text_is_as_recorded(server: httpx.AsyncClient, name: str):
    recordings = folder("recordings", "evolution")
    if name == "metrics":
        for earlier in (
            "create-empty-name",
            "create-evolution-min",
            "create-evolution-full",
            "create-business",
            "create-business-qrcode-true",
            "create-duplicate-token",
            "create-baileys-noqr",
        ):
            await replay(server, load(recordings / f"{earlier}.json"))
    recording = load(recordings / f"{name}.json")

    response = await replay(server, recording)

    assert sorted(str(stable(response.text)).splitlines()) == sorted(
        str(stable(recording.answer)).splitlines()
    )
    assert "version=0.0.4" in response.headers["content-type"]
