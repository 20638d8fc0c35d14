"""Routes of messages as people write them, and who answers outside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from controller.api.ai_routes import MessageRoute
from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.bots.store import Bot, Credentials

from .process import OperatorProcess
from .tenants import tenant
from .world import API_KEY, NAMESPACE, World

KEY = "sk-of-{name}-never-shown"
NEW_KEY = "sk-new-of-{name}-never-shown"
MENU = "Pancakes 4.50"


@dataclass(frozen=True, slots=True)
class Route:
    """`block` makes the route's block from the address of the AIs and the name of the tenant's Secret.

    `edit` changes one field of it; `keyed` routes have a key to rotate; `told` ones learn of the context.
    """

    name: MessageRoute
    block_name: str | None = None
    block: Callable[[str, str], dict[str, Any]] = lambda *_: {}
    kind: Kind | None = None
    edit: dict[str, Any] = field(default_factory=dict)
    keyed: bool = False
    told: bool = False


def _key(secret: str) -> dict[str, str]:
    return {"name": secret, "key": "key"}


ROUTES = {
    route.name: route
    for route in (
        Route(MessageRoute.NONE),
        Route(
            MessageRoute.WEBHOOK,
            "webhook",
            lambda ai, secret: {"url": f"{ai}/webhook/{secret}", "authSecretRef": _key(secret)},
            edit={"events": ["MessagesUpsert", "ConnectionUpdate"]},
            keyed=True,
            told=True,
        ),
        Route(
            MessageRoute.OPENAI,
            "openAI",
            lambda _, secret: {
                "model": "gpt-4.1-mini",
                "maxTokens": 300,
                "apiKeySecretRef": _key(secret),
            },
            Kind.OPENAI,
            edit={"model": "gpt-4.1"},
            keyed=True,
            told=True,
        ),
        Route(
            MessageRoute.DIFY,
            "dify",
            lambda ai, secret: {
                "botType": "ChatBot",
                "apiURL": f"{ai}/dify/{secret}",
                "apiKeySecretRef": _key(secret),
            },
            Kind.DIFY,
            edit={"botType": "Workflow"},
            keyed=True,
        ),
        Route(
            MessageRoute.TYPEBOT,
            "typebot",
            lambda ai, secret: {"url": f"{ai}/typebot", "typebot": secret},
            Kind.TYPEBOT,
            edit={"typebot": "other"},
        ),
        Route(
            MessageRoute.FLOWISE,
            "flowise",
            lambda ai, secret: {"apiURL": f"{ai}/flowise/{secret}", "apiKeySecretRef": _key(secret)},
            Kind.FLOWISE,
            edit={"apiURL": "http://flowise.test/other"},
            keyed=True,
            told=True,
        ),
        Route(
            MessageRoute.N8N,
            "n8n",
            lambda ai, secret: {
                "webhookURL": f"{ai}/n8n/{secret}",
                "basicAuthSecretRef": {"name": secret, "passwordKey": "key"},
            },
            Kind.N8N,
            edit={"webhookURL": "http://n8n.test/other"},
            keyed=True,
            told=True,
        ),
        Route(
            MessageRoute.EVOAI,
            "evoAI",
            lambda ai, secret: {"agentURL": f"{ai}/evoai/{secret}", "apiKeySecretRef": _key(secret)},
            Kind.EVOAI,
            edit={"agentURL": "http://evoai.test/other"},
            keyed=True,
            told=True,
        ),
        Route(
            MessageRoute.EVOLUTION_BOT,
            "evolutionBot",
            lambda ai, secret: {"apiURL": f"{ai}/evolutionBot/{secret}", "apiKeySecretRef": _key(secret)},
            Kind.EVOLUTION_BOT,
            edit={"apiURL": "http://bot.test/other"},
            keyed=True,
            told=True,
        ),
    )
}
BOTS = [route for route in ROUTES.values() if route.kind is not None]


def ai_block(world: World, route: Route, name: str = "cafe", **changes: Any) -> dict[str, Any]:
    """`spec.ai` with this route."""
    ai: dict[str, Any] = {"route": route.name.value, **changes}
    if route.block_name is not None:
        ai[route.block_name] = route.block(world.ai.base_url, f"{name}-ai")
    return ai


def routed(world: World, route: Route, name: str = "cafe", **changes: Any) -> dict[str, Any]:
    """A tenant on the test channel, which needs no pairing, whose messages go this way."""
    body = tenant(name, phoneNumber=None, whatsapp={"channel": "Evolution", "profile": None}, ai=None)
    body["spec"]["ai"] = ai_block(world, route, name, **changes)
    return body


async def give_key(world: World, name: str = "cafe", template: str = KEY, **values: str) -> str:
    """Put the tenant's key into its Secret."""
    key = template.format(name=name)
    world.more_secrets.append(key)
    metadata = {"name": f"{name}-ai", "namespace": NAMESPACE}
    data = {"username": "n8n-user", "key": key, **values}
    await world.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
    return key


async def give_menu(world: World, text: str = MENU, name: str = "menu") -> None:
    """Put more context into a ConfigMap."""
    metadata = {"name": name, "namespace": NAMESPACE}
    await world.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"menu.md": text}}
    )


async def live(world: World, route: Route, **changes: Any) -> OperatorProcess:
    """A process with one tenant on this route, and nothing left to do."""
    await give_key(world)
    operator = await world.ready(routed(world, route, **changes))
    assert await world.is_ready(), await world.condition("RoutingReady")
    return operator


async def switch(world: World, route: Route, **changes: Any) -> None:
    """Replace `spec.ai`, as an edit in git does."""
    block = ai_block(world, route, **changes)
    cleared = {other.block_name: None for other in ROUTES.values() if other.block_name}
    await world.edit({"ai": {**cleared, **block}})


def bots(world: World, name: str | None = None) -> list[Bot]:
    """All bots, or those of the tenant's instance."""
    store = world.evolution.world.database.bots
    ids = {i.id for i in world.instances.values() if name is None or i.name.startswith(f"{name}-")}
    return [bot for bot in store.bots.values() if bot.instance_id in ids]


def keys(world: World) -> list[Credentials]:
    """OpenAI keys that are somebody's."""
    found = world.evolution.world.database.bots.credentials.values()
    return [one for one in found if not one.api_key.startswith("no-key-")]


def answering(world: World) -> list[str]:
    """Everything that answers each message of the only instance."""
    found = [
        bot.kind.value
        for bot in bots(world)
        if bot.values["enabled"] and bot.values["triggerType"] in {"all", "none"}
    ]
    webhook = world.instance().webhook
    if webhook is not None and webhook.enabled and "MESSAGES_UPSERT" in webhook.events:
        found.append("webhook")
    return found


def expected(route: Route) -> list[str]:
    """What answers when the route is verified."""
    if route.name is MessageRoute.NONE:
        return []
    return [route.kind.value if route.kind is not None else "webhook"]


class Watching(list[str]):
    """A list of changes outside that looks before each of them who answers now."""

    def __init__(self, world: World) -> None:
        super().__init__(world.wire.outside_changes)
        self.seen: list[list[str]] = []
        self._world = world
        world.wire.outside_changes = self

    def append(self, what: str) -> None:
        if self._world.instances:
            self.seen.append(answering(self._world))
        super().append(what)


async def by_hand(world: World, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What somebody with the server's key does; `{name}` stands for the only instance."""
    url = f"{world.evolution.base_url}{path.format(name=world.instance().name)}"
    answer = await world.http.request(method, url, json=body, headers={"apikey": API_KEY})
    assert answer.is_success, answer.text
    made: dict[str, Any] = answer.json()
    return made


@asynccontextmanager
async def passing_time(world: World) -> AsyncIterator[None]:
    """The clock goes on by itself: limits of requests let only so many through in a second."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.01)
            await world.clock.advance(0.05)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


async def until_asked(world: World, count: int) -> None:
    """Messages find their way in the background; one that is not answered would keep this waiting."""
    async with asyncio.timeout(20):
        while len(world.ai.asked) < count:  # noqa: ASYNC110  # the fake tells nobody of a question
            await asyncio.sleep(0.002)
