"""A fake Evolution API 2.3.7: one server with one client name, its own database and its own WhatsApp."""

import random
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp import web

from controller.sandbox.fakes.evolution import (
    boot,
    cloud_webhook,
    controls,
    creation,
    deletion,
    guard,
    history,
    instances,
    integrations,
    messages,
    profile,
    server_controls,
    server_info,
    settings,
    templates,
    webhooks,
)
from controller.sandbox.fakes.evolution.bots import controls as bot_controls
from controller.sandbox.fakes.evolution.bots import credentials as bot_credentials
from controller.sandbox.fakes.evolution.bots import routes as bot_routes
from controller.sandbox.fakes.evolution.bots import settings as bot_settings
from controller.sandbox.fakes.evolution.bots.answering import Answering
from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.context import DELIVERIES, OUTBOUND, WORLD, FlatRefusalError, body_of
from controller.sandbox.fakes.evolution.delivery import Deliveries
from controller.sandbox.fakes.evolution.errors import (
    RefusalError,
    error_response,
    unauthorized,
    unknown_route,
)
from controller.sandbox.fakes.evolution.options import ServerOptions
from controller.sandbox.fakes.evolution.outbound import Outbound
from controller.sandbox.fakes.evolution.state import Clock, Database, Instance, Pace, World
from controller.sandbox.fakes.server import FakeServer, Handler
from controller.sandbox.fakes.timers import Timers
from controller.sandbox.fakes.wire import json_response

if TYPE_CHECKING:
    import asyncio

RESOURCES = (
    instances.routes,
    creation.routes,
    deletion.routes,
    settings.routes,
    webhooks.routes,
    profile.routes,
    messages.routes,
    history.routes,
    cloud_webhook.routes,
    templates.routes,
    integrations.routes,
    bot_credentials.routes,
    bot_routes.routes,
    bot_settings.routes,
    server_info.routes,
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EvolutionFake(FakeServer):
    """Behaves as 2.3.7 was measured to behave, only quicker (see `Pace`).

    Unless `manual_pairing`, an instance that shows a QR code is scanned by itself after `scan_after` seconds,
    by the phone whose number it was created with. A deletion takes `delete_after` seconds after its answer.
    `now` gives the times in the rows; delays always run on the event loop's clock.

    Two fakes with one `database` are two servers that share theirs. For `openai_base_url`, `graph_base_url`,
    `sticky_sessions` and `disabled_bots` see `ServerOptions`.
    """

    logged_fields = frozenset(
        {
            "instanceName",
            "instanceId",
            "integration",
            "number",
            "qrcode",
            "presence",
            "enabled",
            "triggerType",
        }
    )

    def __init__(
        self,
        *,
        api_key: str,
        client_name: str = "evolution-sandbox",
        manual_pairing: bool = False,
        scan_after: float = 0.5,
        delete_after: float = 0.3,
        metrics: bool = True,
        now: Clock = _utc_now,
        random_seed: int = 0,
        pace: Pace | None = None,
        database: Database | None = None,
        openai_base_url: str = "https://api.openai.com/v1",
        graph_base_url: str | None = None,
        sticky_sessions: bool = False,
        disabled_bots: Collection[Kind] = (),
    ) -> None:
        super().__init__()
        self._metrics = metrics
        self._seed = random_seed
        self._background: set[asyncio.Task[None]] = set()
        self._options = ServerOptions(
            disabled_bots=frozenset(disabled_bots),
            sticky_sessions=sticky_sessions,
            openai_base_url=openai_base_url,
            graph_base_url=graph_base_url,
        )
        pace = pace or Pace()
        self.deliveries = Deliveries(now, pace.webhook_retries)
        self.world = World(
            client_name=client_name,
            api_key=api_key,
            manual_pairing=manual_pairing,
            scan_after=scan_after,
            delete_after=delete_after,
            pace=pace,
            now=now,
            random=random.Random(random_seed),  # noqa: S311  repeatable ids of a sandbox
            timers=Timers(),
            emit=self._emit,
            ask_bots=self._ask_bots,
            database=database or Database(),
            options=self._options,
        )
        self.outbound = Outbound()
        self.answering = Answering(self.world, self.outbound)
        self.world.database.worlds.append(self.world)

    def configure(self, app: web.Application) -> None:
        app[WORLD] = self.world
        app[DELIVERIES] = self.deliveries
        app[OUTBOUND] = self.outbound
        app[bot_controls.ANSWERING] = self.answering
        app[deletion.BACKGROUND] = self._background
        for routes in RESOURCES:
            app.add_routes(routes)
        if self._metrics:
            app.add_routes(server_info.metrics_routes)
        app.add_routes(controls.routes)
        app.add_routes(bot_controls.routes)
        app.add_routes(server_controls.routes)
        app.add_routes([web.post("/_sandbox/restart", self._restart_on_request)])

    async def open(self) -> None:
        self.world.server_url = self.base_url
        self.deliveries.open(self.base_url)
        self.outbound.open()

    async def close(self) -> None:
        self._stop_background()
        await self.deliveries.close()
        await self.outbound.close()

    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            guard.check(request, self.world, await body_of(request))
            return await handler(request)
        except RefusalError as refusal:
            return refusal.response()
        except FlatRefusalError as refusal:
            return json_response(refusal.body, refusal.status)

    def error_response(self, request: web.Request, status: int) -> web.Response:
        if status == 404:  # noqa: PLR2004
            return unknown_route(request.method, request.raw_path).response()
        if status == 401:  # noqa: PLR2004
            return unauthorized().response()
        text = "Ordered by the sandbox"
        return error_response(status, text if status >= 500 else [text])  # noqa: PLR2004

    def restart(self, seconds: float) -> None:
        """End the process and start it again; its instances are loaded `seconds` later."""
        self._stop_background()
        self.deliveries.forget_queued()
        boot.stop(self.world)
        self.world.timers.after(seconds, self._load)

    async def _restart_on_request(self, request: web.Request) -> web.Response:
        seconds = await server_controls.seconds_of(request)
        self.restart(seconds)
        return json_response({"seconds": seconds})

    def _load(self) -> None:
        boot.load(self.world)

    def snapshot(self) -> Mapping[str, object]:
        return {
            "clientName": self.world.client_name,
            "whatsappReachable": self.world.whatsapp_reachable,
            "server": self.world.options.describe(),
            "orphans": sorted(self.world.orphans),
            "messagesSent": self.world.messages_sent,
            "messagesReceived": self.world.messages_received,
            "bots": self.world.database.bots.counts(),
            "webhooksDelivered": self.deliveries.delivered,
            "webhooksFailed": self.deliveries.failed,
            "instances": {
                name: controls.describe(instance) for name, instance in self.world.instances.items()
            },
        }

    def clear(self) -> None:
        self._stop_background()
        self.deliveries.clear()
        self.world.instances.clear()
        self.world.database.bots.clear()
        self.world.database.templates.clear()
        self.world.options = self._options
        self.world.not_on_whatsapp.clear()
        self.world.whatsapp_reachable = True
        self.world.flapping = False
        self.world.orphans.clear()
        self.world.messages_sent = self.world.messages_received = 0
        self.world.random.seed(self._seed)

    def _emit(self, instance: Instance, event: str, data: object) -> None:
        self.deliveries.send(instance, event, data)

    def _ask_bots(self, instance: Instance, message: Mapping[str, object]) -> None:
        self.answering.receive(instance, message)

    def _stop_background(self) -> None:
        self.world.timers.cancel_all()
        self.answering.clear()
        for task in self._background:
            task.cancel()
