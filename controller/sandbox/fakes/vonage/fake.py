"""A fake Vonage: the Numbers and Application APIs of all its hosts on one address."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web

from controller.sandbox.fakes.server import FakeServer, Handler
from controller.sandbox.fakes.vonage import applications, controls, numbers, search
from controller.sandbox.fakes.vonage.context import WORLD, account_of
from controller.sandbox.fakes.vonage.errors import VonageError
from controller.sandbox.fakes.vonage.inventory import Inventory, copy_of, default_inventory
from controller.sandbox.fakes.vonage.state import Clock, World


def _utc_now() -> datetime:
    return datetime.now(UTC)


class VonageFake(FakeServer):
    """Some accounts that share one inventory: what one owns, the others neither see nor can buy.

    `accounts` maps API keys to API secrets; `inventory` is copied. `keeps_omitted` says whether updating a number
    keeps what is left out; the real Vonage does not document it.
    """

    logged_fields = frozenset(
        {
            "country",
            "msisdn",
            "pattern",
            "search_pattern",
            "size",
            "index",
            "page",
            "page_size",
            "name",
            "app_id",
        },
    )

    def __init__(
        self,
        *,
        accounts: Mapping[str, str],
        now: Clock = _utc_now,
        inventory: Inventory | None = None,
        keeps_omitted: bool = False,
        random_seed: int = 0,
    ) -> None:
        super().__init__()
        self._accounts = dict(accounts)
        self._inventory = inventory or default_inventory()
        self._seed = random_seed
        self.world = World(
            accounts={},
            inventory={},
            now=now,
            random=random.Random(random_seed),  # noqa: S311  repeatable ids of a sandbox
            keeps_omitted=keeps_omitted,
        )
        self.clear()

    def configure(self, app: web.Application) -> None:
        app[WORLD] = self.world
        for part in (search, numbers, applications, controls):
            app.add_routes(part.routes)

    async def open(self) -> None:
        """Nothing runs in the background."""

    async def close(self) -> None:
        """Nothing runs in the background."""

    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            account_of(request)
            return await handler(request)
        except VonageError as error:
            return error.response(request.path)

    def error_response(self, request: web.Request, status: int) -> web.Response:
        return VonageError(status).response(request.path)

    def snapshot(self) -> Mapping[str, object]:
        world = self.world
        return {
            "accounts": sorted(world.accounts),
            "numbers": [
                {"account": number.account, **numbers.describe(number)} for number in world.numbers.values()
            ],
            "applications": [
                {"account": one.account, **applications.describe(one)} for one in world.applications.values()
            ],
            "released": sorted(world.gone),
            "charges": [
                {
                    "account": charge.account,
                    "msisdn": charge.msisdn,
                    "price": charge.price,
                    "at": charge.at.isoformat(),
                }
                for charge in world.charges
            ],
            "inventory": controls.describe_inventory(world),
        }

    def clear(self) -> None:
        world = self.world
        world.random.seed(self._seed)
        world.accounts.clear()
        world.accounts.update(self._accounts)
        world.inventory.clear()
        world.inventory.update(copy_of(self._inventory))
        for held in (world.numbers, world.gone, world.applications):
            held.clear()
        world.charges.clear()
