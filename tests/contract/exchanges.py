"""Fakes that keep every exchange as it went over the wire; ordered faults are not exchanges."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import web

from controller.sandbox.fakes.server import FakeServer, Handler
from controller.sandbox.fakes.twilio import TwilioFake
from controller.sandbox.fakes.vonage import VonageFake

from .openapi import Exchange

Fake = TypeVar("Fake", bound=FakeServer)


class RecordingTwilio(TwilioFake):
    """Twilio's fake, and what it was asked and answered."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.exchanges: list[Exchange] = []

    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = await request.read()
        response = await super().dispatch(request, handler)
        self.exchanges.append(_exchange(request, sent, response))
        return response


class RecordingVonage(VonageFake):
    """Vonage's fake, and what it was asked and answered."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.exchanges: list[Exchange] = []

    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = await request.read()
        response = await super().dispatch(request, handler)
        self.exchanges.append(_exchange(request, sent, response))
        return response


@asynccontextmanager
async def running(fake: Fake) -> AsyncIterator[Fake]:
    await fake.start()
    yield fake
    await fake.stop()


def _exchange(request: web.Request, sent: bytes, response: web.StreamResponse) -> Exchange:
    body = response.body if isinstance(response, web.Response) else None
    return Exchange(
        method=request.method,
        path=request.path,
        query=request.rel_url.raw_query_string,
        content_type=request.content_type if sent else "",
        body=sent,
        authorization=request.headers.get("Authorization", ""),
        status=response.status,
        content=json.loads(body) if isinstance(body, bytes) and body else None,
    )
