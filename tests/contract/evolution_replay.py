"""Ask the fake Evolution what a real one was asked, and hold its answers against the recorded ones."""

import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from controller.sandbox.fakes.evolution import EvolutionFake, Pace
from tests.recording_summary import REPLAYED

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
"""What the real server had been asked before most of the recordings were made."""

_ID = re.compile(
    r"c[a-z0-9]{24}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|wamid\.\w+|90000000\d\d"
)
_LISTENERS = re.compile(r"http://127\.0\.0\.1:180(?:9\d)")


@dataclass
class Replay:
    """One fake server that is asked recorded questions. Ids it gives stand in for the recorded ones."""

    client: httpx.AsyncClient
    fake: EvolutionFake
    properties: list[tuple[str, Any]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    async def before(self, names: Iterable[str]) -> None:
        """Ask what is only a preparation; it must succeed."""
        for name in names:
            recording = recorded(name)
            response = await self._ask(recording)
            assert response.is_success, response.text
            self._learn(recording.answer, _decoded(response))

    async def same(self, *names: str) -> None:
        """Ask one after the other; each must answer as recorded. They count as replayed."""
        for name in names:
            recording = recorded(name)
            response = await self._ask(recording)
            assert response.status_code == recording.status, f"{name}: {response.text}"
            answer = _decoded(response)
            self._learn(recording.answer, answer)
            assert stable(answer) == stable(recording.answer), name
            self.count(name)

    async def same_metrics(self, name: str) -> None:
        """Ask for the metrics; the lines must be as recorded, in whatever order."""
        recording = recorded(name)
        response = await self._ask(recording)
        assert sorted(_lines(response.text)) == sorted(_lines(recording.answer)), name
        assert "version=0.0.4" in response.headers["content-type"]
        self.count(name)

    def count(self, name: str) -> None:
        """Count a recording as replayed."""
        self.properties.append((REPLAYED, name))

    async def control(self, path: str, body: object = None) -> dict[str, Any]:
        """Order something behind the server's back."""
        response = await self.client.post(f"/_sandbox/{path}", json=body)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def live(self, name: str) -> object:
        """The live state of an instance, as the sandbox knows it."""
        return (await self.client.get(f"/_sandbox/instances/{name}")).json().get("live")

    async def until(self, name: str, state: str) -> None:
        """Ask until the live state is `state`."""
        while await self.live(name) != state:
            pass

    async def gone(self, name: str) -> None:
        """Ask until there is no such instance."""
        while (await self.client.get(f"/_sandbox/instances/{name}")).status_code != 404:
            pass

    async def create(self, name: str, integration: str = "EVOLUTION", **fields: object) -> None:
        """Make an instance that no recording makes."""
        created = await self.client.post(
            "/instance/create",
            json={"instanceName": name, "integration": integration, **fields},
            headers={"apikey": GLOBAL_KEY},
        )
        assert created.status_code == 201, created.text

    async def link(self, name: str, number: str, profile_name: str) -> None:
        """Make a WHATSAPP-BAILEYS instance, and a phone that scans it."""
        await self.create(name, "WHATSAPP-BAILEYS")
        await self.control(f"instances/{name}/scan", {"number": number, "profileName": profile_name})
        await self.until(name, "open")

    async def _ask(self, recording: Recording) -> httpx.Response:
        headers = {
            name: KEYS.get(value, value)
            for name, value in recording.headers.items()
            if name != "authorization"
        }
        content = None
        if recording.body is not None:
            text = recording.body if isinstance(recording.body, str) else json.dumps(recording.body)
            # Nothing listens on the discard port: calls fail at once instead of reaching a stranger.
            content = self._ours(_LISTENERS.sub("http://127.0.0.1:9", text))
        return await self.client.request(
            recording.method, self._ours(recording.path), headers=headers, content=content
        )

    def _ours(self, text: str) -> str:
        return _ID.sub(lambda found: self.ids.get(found.group(), found.group()), text)

    def _learn(self, recorded_value: object, answered: object) -> None:
        if isinstance(recorded_value, dict) and isinstance(answered, dict):
            for name in recorded_value.keys() & answered.keys():
                self._learn(recorded_value[name], answered[name])
        elif isinstance(recorded_value, list) and isinstance(answered, list):
            for one, other in zip(recorded_value, answered, strict=False):
                self._learn(one, other)
        elif isinstance(recorded_value, str) and isinstance(answered, str) and _ID.fullmatch(recorded_value):
            self.ids[recorded_value] = answered


def recorded(name: str) -> Recording:
    """Return a recorded exchange."""
    return load(folder("recordings", "evolution") / f"{name}.json")


@asynccontextmanager
async def replaying(properties: list[tuple[str, Any]], **options: Any) -> AsyncIterator[Replay]:
    """Run a fake for a replay; it is as slow to pair as its `options` say and deletes at once."""
    fake = EvolutionFake(
        api_key=GLOBAL_KEY,
        **{
            "client_name": "evo_dev",
            "manual_pairing": True,
            "delete_after": 0,
            "pace": QUICK,
            "openai_base_url": "http://127.0.0.1:9",
            **options,
        },
    )
    base_url = await fake.start()
    try:
        async with httpx.AsyncClient(base_url=base_url) as client:
            yield Replay(client, fake, properties)
    finally:
        await fake.stop()


def _decoded(response: httpx.Response) -> object:
    if not response.content:
        return None
    try:
        decoded: object = response.json()
    except json.JSONDecodeError:
        return response.text
    return decoded


def _lines(text: object) -> list[str]:
    return str(stable(text)).splitlines()
