"""One Evolution server over its HTTP API (v2, measured with 2.3.7)."""

import asyncio
from collections.abc import Sequence
from http import HTTPMethod
from typing import Final
from weakref import WeakValueDictionary

from controller.api.conditions import Reason
from controller.api.evolution_server import MetricsMode
from controller.providers.clock import Clock
from controller.providers.errors import NotFound, Retryable, Unauthorized
from controller.providers.evolution.bots_client import BotsClient, OpenAIClient
from controller.providers.evolution.errors import NotConnected, UnknownRoute
from controller.providers.evolution.metrics_text import MetricsPage
from controller.providers.evolution.protocol import (
    BehaviourSettings,
    InstanceRow,
    LiveStates,
    NewInstance,
    Pairing,
    SessionState,
    WebhookSettings,
)
from controller.providers.evolution.server import Server
from controller.providers.evolution.wire import (
    CONNECTION_STATE,
    INSTANCES,
    PAIRING,
    WEBHOOK,
    create_request,
    settings_request,
    webhook_request,
)
from controller.providers.limits import Limiter
from controller.providers.transport import READ_TIMEOUT, Observer, unobserved

CREATE_TIMEOUT: Final = 60.0
"""Creating waits for proxies and QR codes; giving up early leaves a doubt about an instance that may come to
be.
"""


class EvolutionClient:
    """Implements `EvolutionServerClient`. `metrics_login` is user and password of /metrics where it asks for
    them.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        limiter: Limiter,
        observer: Observer = unobserved,
        metrics_mode: MetricsMode = MetricsMode.AUTO,
        metrics_login: tuple[str, str] | None = None,
        read_timeout: float = READ_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        self._server = Server(
            base_url=base_url,
            api_key=api_key,
            limiter=limiter,
            observer=observer,
            read_timeout=read_timeout,
            clock=clock,
        )
        self.openai = OpenAIClient(self._server)
        self.bots = BotsClient(self._server, self.openai)
        self._metrics_mode = metrics_mode
        self._metrics_login = metrics_login
        self._metrics_page = MetricsPage()
        self._creating: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __repr__(self) -> str:
        return repr(self._server)

    async def instances(self) -> Sequence[InstanceRow]:
        """All instances, from the server's database; complete also while it still loads them."""
        answer = await self._server.ask(HTTPMethod.GET, "/instance/fetchInstances")
        return [body.to_row() for body in self._server.understand(answer, INSTANCES.validate_json)]

    async def instance(self, name: str) -> InstanceRow | None:
        """One instance; None only when the server knows no such name.

        An instance that exists but is not loaded (the server starts, deletes it, or another server on the
        same database has it) cannot be read by name: `Retryable`.
        """
        try:
            answer = await self._server.ask(
                HTTPMethod.GET, "/instance/fetchInstances", query={"instanceName": name}
            )
        except NotFound:
            await self._prove_absent(name)
            return None
        rows = self._server.understand(answer, INSTANCES.validate_json)
        return next((body.to_row() for body in rows if body.name == name), None)

    async def live_states(self) -> LiveStates | None:
        """Live state of all loaded instances; None when /metrics is off here or there."""
        if self._metrics_mode is MetricsMode.OFF:
            return None
        try:
            answer = await self._server.ask(
                HTTPMethod.GET, "/metrics", with_key=False, login=self._metrics_login
            )
        except Unauthorized as error:
            raise Unauthorized(
                f"{self._server.name} refuses /metrics: correct spec.metrics.basicAuthSecretRef, or set"
                " spec.metrics.mode: Off.",
                reason=Reason.WRONG_CREDENTIALS,
            ) from error
        except UnknownRoute:
            return None
        return self._server.understand(
            answer, lambda content: self._metrics_page.read(content.decode("utf-8", "replace"))
        )

    async def live_state(self, name: str) -> SessionState | None:
        """Live state of one instance; None when it is not loaded. Raises `NotFound`."""
        answer = await self._server.ask(HTTPMethod.GET, "/instance/connectionState/{name}", name=name)
        return self._server.understand(answer, CONNECTION_STATE.validate_json).instance.state

    async def create(self, new: NewInstance) -> None:
        """Create an instance. Raises `Conflict`, and `ValueError` for what must never be sent."""
        body = create_request(new)
        # Of two creates of one name at once, the loser's failure deletes the winner's instance (measured).
        lock = self._creating.setdefault(new.name, asyncio.Lock())
        async with lock:
            await self._server.ask(
                HTTPMethod.POST,
                "/instance/create",
                body=body,
                read_timeout=CREATE_TIMEOUT,
                secrets=[new.token, *(new.webhook.headers.values() if new.webhook else ())],
            )

    async def connect(self, name: str) -> None:
        """Open the socket of a closed instance. The answer holds a QR code and is dropped unread."""
        await self._server.ask(HTTPMethod.GET, "/instance/connect/{name}", name=name)

    async def pairing_code(self, name: str, number: str | None = None) -> Pairing:
        """A code to pair with, opening the socket of a closed instance."""
        if number is not None and not (number.isascii() and number.isdigit()):
            raise ValueError("The number to pair with is digits only, without +.")
        answer = await self._server.ask(
            HTTPMethod.GET,
            "/instance/connect/{name}",
            name=name,
            query={"number": number} if number is not None else None,
        )
        return self._server.understand(answer, PAIRING.validate_json).to_pairing()

    async def logout(self, name: str) -> None:
        """Unlink from WhatsApp; not connected is success."""
        try:
            await self._server.ask(HTTPMethod.DELETE, "/instance/logout/{name}", name=name)
        except NotConnected:
            # Not so a socket that died unseen ("Connection Closed"): that one stays linked.
            return

    async def delete(self, name: str) -> None:
        """Begin to delete; unknown is success."""
        try:
            await self._server.ask(HTTPMethod.DELETE, "/instance/delete/{name}", name=name)
        except NotFound:
            return

    async def set_settings(self, name: str, settings: BehaviourSettings) -> None:
        """Set the whole behaviour."""
        await self._server.ask(
            HTTPMethod.POST, "/settings/set/{name}", name=name, body=settings_request(settings)
        )

    async def webhook(self, name: str) -> WebhookSettings | None:
        """The webhook as stored; None when never set."""
        answer = await self._server.ask(HTTPMethod.GET, "/webhook/find/{name}", name=name)
        stored = self._server.understand(answer, WEBHOOK.validate_json)
        return stored.to_settings() if stored is not None else None

    async def set_webhook(self, name: str, webhook: WebhookSettings) -> None:
        """Set the whole webhook. Raises `ValueError` when it is enabled without events."""
        await self._server.ask(
            HTTPMethod.POST,
            "/webhook/set/{name}",
            name=name,
            body={"webhook": webhook_request(webhook)},
            secrets=list(webhook.headers.values()),
        )

    async def set_profile_name(self, name: str, profile_name: str) -> None:
        """Set the WhatsApp name; `Retryable` while not connected, or for some seconds after linking."""
        await self._set_profile(name, "/chat/updateProfileName/{name}", {"name": profile_name})

    async def set_profile_about(self, name: str, about: str) -> None:
        """Set the about line; same errors."""
        await self._set_profile(name, "/chat/updateProfileStatus/{name}", {"status": about})

    async def close(self) -> None:
        """Close connections."""
        await self._server.close()

    async def _set_profile(self, name: str, path: str, body: dict[str, str]) -> None:
        await self._server.ask(
            HTTPMethod.POST, path, name=name, body=body, disconnected=Reason.WAITING_FOR_CONNECTION
        )

    async def _prove_absent(self, name: str) -> None:
        """A 404 by name says only that the instance is not loaded; the state route also looks into the
        database.
        """
        try:
            await self.live_state(name)
        except NotFound:
            return
        raise Retryable(
            f"{self._server.name} has the instance, but has not loaded it: it starts, deletes it, or the instance"
            " belongs to another server on the same database.",
            reason=Reason.SERVER_UNAVAILABLE,
        )
