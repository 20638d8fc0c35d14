"""A fake Graph API: the WhatsApp Cloud API of some businesses on one address."""

import random
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from controller.sandbox.fakes.graph import controls, guard, messages, phone_numbers, profile, templates
from controller.sandbox.fakes.graph.accounts import add_account
from controller.sandbox.fakes.graph.context import TOKEN, WORLD
from controller.sandbox.fakes.graph.errors import GraphRefusalError, by_status, unknown_path
from controller.sandbox.fakes.graph.state import Clock, Pace, World
from controller.sandbox.fakes.server import FakeServer, Handler
from controller.sandbox.fakes.timers import Timers

RESOURCES = (phone_numbers.routes, profile.routes, templates.routes, messages.routes)


@dataclass(frozen=True, slots=True)
class Account:
    """A WhatsApp business account: its id, a token that may see it, E.164 numbers by phone number id."""

    id: str
    token: str = field(repr=False)
    numbers: Mapping[str, str]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class GraphFake(FakeServer):
    """Businesses that do not see each other, under every version (`/v26.0/...`).

    A template is reviewed by itself after `pace.review` seconds, unless `manual_review`; one with the word
    `review.REJECTED_WORD` is rejected. `now` gives the times that edits and names wait for; a review's delay
    runs on the event loop's clock.
    """

    logged_fields = frozenset(
        {"name", "language", "category", "fields", "limit", "after", "hsm_id", "type", "vertical"}
    )

    def __init__(
        self,
        *,
        accounts: Iterable[Account] = (),
        manual_review: bool = False,
        pace: Pace | None = None,
        now: Clock = _utc_now,
        random_seed: int = 0,
    ) -> None:
        super().__init__()
        self._accounts = tuple(accounts)
        self._seed = random_seed
        self.world = World(
            pace=pace or Pace(),
            manual_review=manual_review,
            now=now,
            random=random.Random(random_seed),  # noqa: S311  repeatable ids of a sandbox
            timers=Timers(),
        )
        self.clear()

    def configure(self, app: web.Application) -> None:
        app[WORLD] = self.world
        for routes in RESOURCES:
            app.add_routes(routes)
        app.add_routes(controls.routes)

    async def open(self) -> None:
        self.world.base_url = self.base_url

    async def close(self) -> None:
        self.world.timers.cancel_all()

    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            request[TOKEN] = guard.check(request, self.world)
            response = await handler(request)
        except GraphRefusalError as refusal:
            response = refusal.response()
        response.headers["x-fb-trace-id"] = secrets.token_urlsafe(8)
        response.headers["facebook-api-version"] = request.match_info["version"]
        return response

    def error_response(self, request: web.Request, status: int) -> web.Response:
        if request.match_info.http_exception is not None:
            return unknown_path(request.path).response()
        return by_status(status).response()

    def snapshot(self) -> Mapping[str, object]:
        world = self.world
        return {
            "accounts": sorted(world.accounts),
            "numbers": {
                id_: {
                    **phone_numbers.describe_number(number),
                    "account": number.account_id,
                    "profile": number.profile,
                    "messages_sent": number.messages_sent,
                }
                for id_, number in world.numbers.items()
            },
            "templates": [
                {**templates.describe_template(template), "account": template.account_id}
                for template in world.templates.values()
            ],
            "blocked_names": [
                {"account": account, "name": name, "language": language, "until": until.isoformat()}
                for (account, name, language), until in world.blocked.items()
            ],
        }

    def clear(self) -> None:
        world = self.world
        world.timers.cancel_all()
        world.random.seed(self._seed)
        for held in (world.accounts, world.tokens, world.numbers, world.templates, world.blocked):
            held.clear()
        world.created = 0
        for account in self._accounts:
            add_account(world, account.id, account.token, account.numbers)
