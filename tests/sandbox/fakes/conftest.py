import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from controller.sandbox.fakes.evolution import EvolutionFake, Pace
from controller.sandbox.fakes.graph import Account, GraphFake
from controller.sandbox.fakes.twilio import TwilioFake
from controller.sandbox.fakes.vonage import VonageFake

from .bot_server import BotServer
from .receiver import Receiver

ACCOUNT = "AC" + "a" * 32
OTHER_ACCOUNT = "AC" + "b" * 32
TOKENS = {ACCOUNT: "token-a", OTHER_ACCOUNT: "token-b"}
VONAGE_KEY = "1a2345b7"

QUICK = Pace(
    qr_after=0,
    connect_wait=0.01,
    create_takes=0,
    reconnect_after=0,
    app_state_key_after=0,
    webhook_retries=(0, 0),
)


@dataclass
class EvolutionServer:
    """A running fake and a client that holds the global key."""

    fake: EvolutionFake
    client: httpx.AsyncClient

    async def create(self, name: str, integration: str = "WHATSAPP-BAILEYS", **fields: Any) -> httpx.Response:
        body = {"instanceName": name, "integration": integration, **fields}
        return await self.client.post("/instance/create", json=body)

    async def state(self, name: str) -> str | None:
        answer = (await self.client.get(f"/instance/connectionState/{name}")).json()
        state: str | None = answer.get("instance", {}).get("state")
        return state

    async def row(self, name: str) -> dict[str, Any]:
        rows = (await self.client.get("/instance/fetchInstances", params={"instanceName": name})).json()
        row: dict[str, Any] = rows[0]
        return row

    async def until(self, name: str, state: str | None) -> None:
        """Ask until the live state is `state`; None means until the instance is gone."""
        async with asyncio.timeout(10):
            while True:
                response = await self.client.get(f"/instance/connectionState/{name}")
                if response.status_code == 404:
                    assert state is None, f"{name} is gone"
                    return
                if response.json()["instance"].get("state", "") == state:
                    return

    async def control(self, path: str, body: object) -> httpx.Response:
        response = await self.client.post(f"/_sandbox/{path}", json=body)
        assert response.is_success, response.text
        return response


StartEvolution = Callable[..., Awaitable[EvolutionServer]]


@pytest.fixture
async def start_evolution() -> AsyncIterator[StartEvolution]:
    running: list[EvolutionServer] = []

    async def start(**options: Any) -> EvolutionServer:
        fake = EvolutionFake(
            api_key="global", **{"scan_after": 0, "delete_after": 0, "pace": QUICK, **options}
        )
        base_url = await fake.start()
        server = EvolutionServer(fake, httpx.AsyncClient(base_url=base_url, headers={"apikey": "global"}))
        running.append(server)
        return server

    yield start
    for server in running:
        await server.client.aclose()
        await server.fake.stop()


@pytest.fixture
async def evolution(start_evolution: StartEvolution) -> EvolutionServer:
    return await start_evolution()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def bot_server() -> AsyncIterator[BotServer]:
    server = BotServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def shop(evolution: EvolutionServer, bot_server: BotServer) -> EvolutionServer:
    """A server with an instance `shop`, whose OpenAI is the bot server."""
    await evolution.control("server", {"openaiBaseUrl": f"{bot_server.url}/v1"})
    await evolution.create("shop", "EVOLUTION", token="token-of-shop", number="37120000001")
    return evolution


@dataclass
class TwilioServer:
    """A running fake and a client that signs for ACCOUNT."""

    fake: TwilioFake
    client: httpx.AsyncClient

    def path(self, rest: str, account: str = ACCOUNT) -> str:
        return f"/2010-04-01/Accounts/{account}/{rest}.json"

    async def search(self, country: str, kind: str, **query: Any) -> list[dict[str, Any]]:
        response = await self.client.get(self.path(f"AvailablePhoneNumbers/{country}/{kind}"), params=query)
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["available_phone_numbers"]
        return found

    async def buy(self, number: object, **fields: Any) -> httpx.Response:
        form = {"PhoneNumber": number, **fields}
        return await self.client.post(self.path("IncomingPhoneNumbers"), data=form)

    async def buy_any(self, country: str = "LV", kind: str = "Mobile", **fields: Any) -> dict[str, Any]:
        candidate = (await self.search(country, kind, PageSize=1))[0]["phone_number"]
        response = await self.buy(candidate, **fields)
        assert response.status_code == 201, response.text
        bought: dict[str, Any] = response.json()
        return bought

    async def owned(self, **query: Any) -> list[str]:
        response = await self.client.get(self.path("IncomingPhoneNumbers"), params=query)
        return [number["phone_number"] for number in response.json()["incoming_phone_numbers"]]

    async def control(self, path: str, body: object) -> httpx.Response:
        response = await self.client.post(f"/_sandbox/{path}", json=body)
        assert response.is_success, response.text
        return response

    async def charges(self) -> list[dict[str, Any]]:
        charges: list[dict[str, Any]] = (await self.client.get("/_sandbox/state")).json()["charges"]
        return charges


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    fake = TwilioFake(accounts=TOKENS)
    base_url = await fake.start()
    async with httpx.AsyncClient(base_url=base_url, auth=(ACCOUNT, TOKENS[ACCOUNT])) as client:
        yield TwilioServer(fake, client)
    await fake.stop()


@pytest.fixture
async def other_account(twilio: TwilioServer) -> AsyncIterator[TwilioServer]:
    """The same Twilio, seen by another customer."""
    async with httpx.AsyncClient(
        base_url=twilio.fake.base_url,
        auth=(OTHER_ACCOUNT, TOKENS[OTHER_ACCOUNT]),
    ) as client:
        yield TwilioServer(twilio.fake, client)


@dataclass
class VonageServer:
    """A running fake, a client that signs for VONAGE_KEY, and the fake's clock."""

    fake: VonageFake
    client: httpx.AsyncClient
    now: datetime
    unknown_id = "00000000-0000-4000-8000-000000000000"

    async def search(self, **query: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get("/number/search", params=query)).json()
        return found

    async def post(self, operation: str, msisdn: str, **fields: str) -> httpx.Response:
        form = {"country": "LV", "msisdn": msisdn, **fields}
        return await self.client.post(f"/number/{operation}", data=form)

    async def buy_any(self) -> str:
        found = await self.search(country="LV", type="mobile-lvn", size=1)
        msisdn: str = found["numbers"][0]["msisdn"]
        assert (await self.post("buy", msisdn)).status_code == 200
        return msisdn

    async def owned(self, **query: Any) -> list[dict[str, Any]]:
        numbers: list[dict[str, Any]] = (
            (await self.client.get("/account/numbers", params=query)).json().get("numbers", [])
        )
        return numbers

    async def control(self, path: str, body: object) -> httpx.Response:
        response = await self.client.post(f"/_sandbox/{path}", json=body)
        assert response.is_success, response.text
        return response

    async def state(self) -> dict[str, Any]:
        state: dict[str, Any] = (await self.client.get("/_sandbox/state")).json()
        return state


@pytest.fixture
async def vonage() -> AsyncIterator[VonageServer]:
    fake = VonageFake(accounts={VONAGE_KEY: "secret-a", "9z8765y3": "secret-b"}, now=lambda: server.now)
    server = VonageServer(
        fake, httpx.AsyncClient(auth=(VONAGE_KEY, "secret-a")), datetime(2026, 3, 1, tzinfo=UTC)
    )
    server.client.base_url = httpx.URL(await fake.start())
    yield server
    await server.client.aclose()
    await fake.stop()


WABA, OTHER_WABA = "400500600", "400500601"
NUMBER_ID, OTHER_NUMBER_ID = "100200300", "100200301"


@dataclass
class GraphServer:
    """A running fake, a client that holds the token of WABA, and the fake's clock."""

    fake: GraphFake
    client: httpx.AsyncClient
    now: datetime

    def path(self, rest: str) -> str:
        return f"/v26.0/{rest}"

    async def get(self, rest: str, **query: Any) -> Any:
        return (await self.client.get(self.path(rest), params=query)).json()

    async def post(self, rest: str, body: object) -> httpx.Response:
        return await self.client.post(self.path(rest), json=body)

    async def create(self, name: str = "order_ready", **fields: Any) -> httpx.Response:
        body = {
            "name": name,
            "language": "en_US",
            "category": "UTILITY",
            "components": [{"type": "BODY", "text": "Your order is ready"}],
            **fields,
        }
        return await self.post(f"{WABA}/message_templates", body)

    async def created(self, name: str = "order_ready", **fields: Any) -> str:
        response = await self.create(name, **fields)
        assert response.status_code == 200, response.text
        id_: str = response.json()["id"]
        return id_

    async def delete(self, **query: str) -> httpx.Response:
        return await self.client.delete(self.path(f"{WABA}/message_templates"), params=query)

    async def status(self, template: str) -> str:
        status: str = (await self.get(template))["status"]
        return status

    async def send(self, kind: str = "text", **fields: Any) -> httpx.Response:
        body = {"messaging_product": "whatsapp", "to": "37129999999", "type": kind, **fields}
        return await self.post(f"{NUMBER_ID}/messages", body)

    async def control(self, path: str, body: object = None) -> httpx.Response:
        response = await self.client.post(f"/_sandbox/{path}", json=body)
        assert response.is_success, response.text
        return response


def graph_error(response: httpx.Response) -> tuple[int, int, int | None]:
    """Status, code and subcode of a refusal."""
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("error_subcode")


@pytest.fixture
async def graph() -> AsyncIterator[GraphServer]:
    accounts = [
        Account(WABA, "token-a", {NUMBER_ID: "+37120000001"}),
        Account(OTHER_WABA, "token-b", {OTHER_NUMBER_ID: "+37120000002"}),
    ]
    fake = GraphFake(accounts=accounts, manual_review=True, now=lambda: server.now)
    client = httpx.AsyncClient(headers={"Authorization": "Bearer token-a"})
    server = GraphServer(fake, client, datetime(2026, 3, 1, tzinfo=UTC))
    client.base_url = httpx.URL(await fake.start())
    yield server
    await client.aclose()
    await fake.stop()
