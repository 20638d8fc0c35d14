"""Webhook deliveries: in the background, in order per instance, with a short bounded retry.

The real server keeps retrying for 25 minutes; here the ladder is `Pace.webhook_retries`.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import jwt
from yarl import URL

from controller.sandbox.fakes.evolution.events import destination_suffix, subscription
from controller.sandbox.fakes.evolution.state import Clock, Instance, Webhook, iso

_LANES = 8
_QUEUED_PER_LANE = 5_000
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FINAL_STATUSES = frozenset({400, 401, 403, 404, 422})
"""Answers after which the real server does not try again."""


@dataclass(frozen=True, slots=True)
class _Parcel:
    url: str
    headers: Mapping[str, str]
    jwt_key: str | None
    body: dict[str, object]
    done: asyncio.Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one delivery ended. `status` is None when no answer came at all."""

    event: str
    instance: str
    url: str
    status: int | None
    attempts: int

    def describe(self) -> dict[str, object]:
        return {
            "event": self.event,
            "instance": self.instance,
            "url": self.url,
            "status": self.status,
            "attempts": self.attempts,
        }


class Deliveries:
    """Queues and sends. Each instance has one lane, so its events arrive in the order they happened."""

    def __init__(self, now: Clock, retries: tuple[float, ...]) -> None:
        self._now = now
        self._retries = retries
        self._lanes: list[asyncio.Queue[_Parcel]] = []
        self._workers: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self.server_url = ""
        self.newest: deque[Delivery] = deque(maxlen=1_000)
        self.delivered = 0
        self.failed = 0
        self.dropped = 0

    def open(self, server_url: str) -> None:
        self.server_url = server_url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        self._lanes = [asyncio.Queue(_QUEUED_PER_LANE) for _ in range(_LANES)]
        self._workers = [asyncio.create_task(self._work(lane)) for lane in self._lanes]

    async def close(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def forget_queued(self) -> None:
        """Lose what waits for its turn: the queue is in memory only."""
        for lane in self._lanes:
            while not lane.empty():
                lane.get_nowait().done.set()

    def clear(self) -> None:
        self.forget_queued()
        self.newest.clear()
        self.delivered = self.failed = self.dropped = 0

    def send(self, instance: Instance, event: str, data: object) -> asyncio.Event | None:
        """Queue an event. None when no webhook wants it; else an event set once delivered or given up."""
        webhook = instance.webhook
        if webhook is None or not webhook.enabled or subscription(event) not in webhook.events:
            return None
        if not webhook.url.startswith(("http://", "https://")) or not self._lanes:
            return None
        parcel = _Parcel(
            url=webhook.url + (destination_suffix(event) if webhook.by_events else ""),
            headers={name: value for name, value in (webhook.headers or {}).items() if name != "jwt_key"},
            jwt_key=(webhook.headers or {}).get("jwt_key"),
            body=self._envelope(instance, webhook, event, data),
            done=asyncio.Event(),
        )
        lane = self._lanes[zlib.crc32(instance.name.encode()) % _LANES]
        if lane.full():
            self.dropped += 1
            parcel.done.set()
        else:
            lane.put_nowait(parcel)
        return parcel.done

    def _envelope(self, instance: Instance, webhook: Webhook, event: str, data: object) -> dict[str, object]:
        envelope: dict[str, object] = {
            "event": event,
            "instance": instance.name,
            "data": data,
            "destination": webhook.url,
            "date_time": iso(self._now()),
        }
        if instance.owner_jid is not None:
            envelope["sender"] = instance.owner_jid
        return envelope | {"server_url": self.server_url, "apikey": None}

    async def _work(self, lane: asyncio.Queue[_Parcel]) -> None:
        while True:
            parcel = await lane.get()
            try:
                await self._deliver(parcel)
            finally:
                parcel.done.set()

    async def _deliver(self, parcel: _Parcel) -> None:
        status: int | None = None
        attempts = 0
        for wait in (0.0, *self._retries):
            await asyncio.sleep(wait)
            attempts += 1
            status = await self._post(parcel)
            if status is not None and (status < 300 or status in _FINAL_STATUSES):  # noqa: PLR2004
                break
        if status is not None and status < 300:  # noqa: PLR2004
            self.delivered += 1
        else:
            self.failed += 1
        event, instance = str(parcel.body["event"]), str(parcel.body["instance"])
        self.newest.append(Delivery(event, instance, parcel.url, status, attempts))

    async def _post(self, parcel: _Parcel) -> int | None:
        # A sandbox sends nothing to the outside: what is meant for elsewhere ends as not delivered.
        if self._session is None or URL(parcel.url).host not in _LOOPBACK:
            return None
        headers = {**parcel.headers, "User-Agent": "axios/1.13.2"}
        if parcel.jwt_key is not None:
            headers["Authorization"] = f"Bearer {self._token(parcel.jwt_key)}"
        try:
            async with self._session.post(parcel.url, json=parcel.body, headers=headers) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    def _token(self, key: str) -> str:
        issued = self._now()
        claims = {
            "iat": issued,
            "exp": issued + timedelta(minutes=10),
            "app": "evolution",
            "action": "webhook",
        }
        return jwt.encode(claims, key, algorithm="HS256")
