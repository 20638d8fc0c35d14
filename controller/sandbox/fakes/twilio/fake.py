"""A fake Twilio: the v2010, Pricing and Numbers paths of all its hosts on one address."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aiohttp import web

from controller.sandbox.fakes.server import FakeServer, Handler
from controller.sandbox.fakes.twilio import (
    accounts,
    auth,
    available_numbers,
    bundles,
    calls,
    controls,
    incoming_numbers,
    messages,
    pricing,
)
from controller.sandbox.fakes.twilio.context import WORLD
from controller.sandbox.fakes.twilio.errors import ErrorShape, TwilioError, by_status
from controller.sandbox.fakes.twilio.inventory import Inventory, copy_of, default_inventory
from controller.sandbox.fakes.twilio.state import Account, BundleStatus, Clock, World

RESOURCES = (
    accounts.routes,
    available_numbers.routes,
    incoming_numbers.routes,
    calls.routes,
    messages.routes,
    pricing.routes,
    bundles.routes,
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TwilioFake(FakeServer):
    """Some accounts that share one inventory: what one owns, the others neither see nor can buy.

    `accounts` maps account SIDs (AC and 32 hex digits) to auth tokens; `inventory` is copied; `approved_bundles`
    maps SIDs of regulatory bundles to those of their accounts.
    """

    logged_fields = frozenset(
        {
            "PhoneNumber",
            "AreaCode",
            "FriendlyName",
            "AddressSid",
            "BundleSid",
            "Contains",
            "PageSize",
            "Page",
        },
    )

    def __init__(
        self,
        *,
        accounts: Mapping[str, str],
        now: Clock = _utc_now,
        inventory: Inventory | None = None,
        approved_bundles: Mapping[str, str] | None = None,
        random_seed: int = 0,
    ) -> None:
        super().__init__()
        self._tokens = dict(accounts)
        self._inventory = inventory or default_inventory()
        self._approved_bundles = dict(approved_bundles or {})
        self._seed = random_seed
        self.world = World(
            accounts={},
            inventory={},
            now=now,
            random=random.Random(random_seed),  # noqa: S311  repeatable ids of a sandbox
        )
        self.clear()

    def configure(self, app: web.Application) -> None:
        app[WORLD] = self.world
        for routes in RESOURCES:
            app.add_routes(routes)
        app.add_routes(controls.routes)

    async def open(self) -> None:
        """Nothing runs in the background."""

    async def close(self) -> None:
        """Nothing runs in the background."""

    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            auth.check(request, self.world)
            response = await handler(request)
        except TwilioError as error:
            response = error.response(self.world.error_shape)
        response.headers["Twilio-Request-Id"] = f"RQ{random.getrandbits(128):032x}"
        response.headers["Twilio-Concurrent-Requests"] = "1"
        return response

    def error_response(self, request: web.Request, status: int) -> web.Response:
        return by_status(status, request.path).response(self.world.error_shape)

    def snapshot(self) -> Mapping[str, object]:
        return {
            "accounts": {
                sid: {"status": account.status, "type": account.kind}
                for sid, account in self.world.accounts.items()
            },
            "numbers": [incoming_numbers.describe(number) for number in self.world.numbers.values()],
            "released": dict(self.world.gone),
            "charges": [
                {
                    "account_sid": charge.account_sid,
                    "phone_number": charge.phone_number,
                    "sid": charge.sid,
                    "price": charge.price,
                    "at": charge.at.isoformat(),
                }
                for charge in self.world.charges
            ],
            "calls": {sid: len(recorded) for sid, recorded in self.world.calls.items()},
            "messages": {sid: len(recorded) for sid, recorded in self.world.messages.items()},
            "bundles": {
                sid: {"account_sid": bundle.account_sid, "status": bundle.status}
                for sid, bundle in self.world.bundles.items()
            },
            "inventory": controls.describe_inventory(self.world),
        }

    def clear(self) -> None:
        world = self.world
        world.random.seed(self._seed)
        world.accounts.clear()
        for sid, token in self._tokens.items():
            world.accounts[sid] = Account(sid, token, world.now(), f"Account {sid[-4:]}", owner_sid=sid)
        world.inventory.clear()
        world.inventory.update(copy_of(self._inventory))
        for held in (world.numbers, world.by_sid, world.positions, world.gone, world.bundles):
            held.clear()
        world.calls.clear()
        world.messages.clear()
        world.charges.clear()
        world.lag = timedelta()
        world.error_shape = ErrorShape.CLASSIC
        for sid, account_sid in self._approved_bundles.items():
            world.put_bundle(sid, account_sid, BundleStatus.APPROVED)
