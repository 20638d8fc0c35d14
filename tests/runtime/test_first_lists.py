"""A start-up wave waits for the first lists of accounts and servers that its tenants need."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.reconcile.fleet import Fleet, InstanceServer, PhoneAccount
from controller.reconcile.fleet_object import FleetKey
from controller.reconcile.tenant_object import TenantKey
from controller.reconcile.verdict import Verdict
from controller.runtime.first_lists import FirstLists, Needs
from controller.runtime.queue import Depth, WorkQueue
from tests.reconcile.builders import account, server
from tests.runtime.manual_clock import ManualClock, settle

KEYS = [TenantKey("tenants", name) for name in ("bakery", "cafe", "shop")]
ANYWHERE = Needs(None, None, any_account=True, any_server=True)
VONAGE = FleetKey(Kind.PHONE_PROVIDER, "vonage")
TROUBLE = Verdict.waiting(Reason.SECRET_NOT_FOUND, "No Secret.")


class OneReplica:
    """Its shards came to it when it was last told so."""

    def __init__(self) -> None:
        self.since = datetime.min.replace(tzinfo=UTC)

    def holds(self, _key: object) -> bool:
        return True

    def held_since(self, _key: object) -> datetime:
        return self.since

    def newest_acquisition(self) -> datetime:
        return self.since


class Start:
    """Two accounts and a server, none listed yet."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.queue: WorkQueue[TenantKey | FleetKey] = WorkQueue(clock=self.clock)
        self.twilio, self.vonage = account("twilio"), account("vonage")
        self.evolution = InstanceServer("evo", server().spec)
        self.fleet = Fleet({"twilio": self.twilio, "vonage": self.vonage}, {"evo": self.evolution})
        self.shards = OneReplica()
        self.needs: dict[TenantKey, Needs | None] = dict.fromkeys(KEYS, ANYWHERE)
        self.first_lists = FirstLists(self.queue, self.fleet, self.shards, self.needs.get)

    def listed(self, *members: PhoneAccount | InstanceServer) -> None:
        for member in members:
            listed = member.listed if isinstance(member, PhoneAccount) else member.instances.listed
            listed.put(self.clock.now(), {})
            kind = Kind.PHONE_PROVIDER if isinstance(member, PhoneAccount) else Kind.EVOLUTION_SERVER
            self.first_lists.looked_at(FleetKey(kind, member.name))

    async def work_off(self) -> list[TenantKey | FleetKey]:
        """All that is ready now."""
        worked: list[TenantKey | FleetKey] = []
        while self.queue.depth().ready:
            key = await self.queue.get()
            worked.append(key)
            self.queue.done(key)
        return sorted(worked, key=str)


@pytest.fixture
def start() -> Start:
    return Start()


async def test_nobody_is_looked_at_before_the_last_list_and_everybody_once_after_it(start: Start) -> None:
    start.first_lists.begin(KEYS)
    start.listed(start.twilio, start.evolution)
    start.first_lists.add(KEYS[:2])  # those on the account that was listed
    assert start.queue.depth() == Depth(ready=0, delayed=0, running=0)

    start.listed(start.vonage)

    assert await start.work_off() == KEYS
    assert start.queue.depth() == Depth(ready=0, delayed=0, running=0)


async def test_nobody_is_let_go_while_the_last_list_is_still_being_told_of(start: Start) -> None:
    start.first_lists.begin(KEYS)
    start.listed(start.twilio, start.evolution)

    start.vonage.listed.put(start.clock.now(), {})
    start.first_lists.add(KEYS[:1])  # whom it concerns, in the middle of the pass

    assert await start.work_off() == []


def _fail(start: Start) -> None:
    start.vonage.problem = TROUBLE


def _lose(start: Start) -> None:
    start.vonage.spec = start.vonage.spec.model_copy(update={"lost": True})


def _delete(start: Start) -> None:
    del start.fleet.accounts["vonage"]


@pytest.mark.parametrize("become_hopeless", [_fail, _lose, _delete])
async def test_nobody_waits_for_a_list_that_may_never_come(
    start: Start, become_hopeless: Callable[[Start], None]
) -> None:
    start.first_lists.begin(KEYS)
    start.listed(start.twilio, start.evolution)

    become_hopeless(start)
    start.first_lists.looked_at(VONAGE)

    assert await start.work_off() == KEYS


async def test_an_account_that_does_not_answer_holds_up_its_own_tenants_only(start: Start) -> None:
    bakery, cafe, shop = KEYS
    start.needs[bakery] = Needs("twilio", "evo", any_account=True, any_server=True)
    start.needs[cafe] = Needs("vonage", "evo", any_account=True, any_server=True)
    start.needs[shop] = Needs(None, "evo", any_account=False, any_server=True)
    start.first_lists.begin(KEYS)

    start.listed(start.twilio, start.evolution)
    assert await start.work_off() == [bakery, shop]

    start.listed(start.vonage)
    assert await start.work_off() == [cafe]


async def test_a_tenant_that_went_meanwhile_waits_for_nobody_any_more(start: Start) -> None:
    start.first_lists.begin(KEYS)
    start.needs[KEYS[0]] = None
    start.listed(start.twilio, start.vonage)
    assert await start.work_off() == [KEYS[0]]


async def test_a_fresh_edit_does_not_wait(start: Start) -> None:
    start.first_lists.begin(KEYS)

    start.queue.add(KEYS[1])

    assert await start.work_off() == [KEYS[1]]


async def test_lists_from_before_the_shards_were_acquired_do_not_count(start: Start) -> None:
    start.first_lists.begin(KEYS[:1])
    start.listed(start.twilio, start.vonage, start.evolution)
    assert await start.work_off() == KEYS[:1]
    await start.clock.advance(60)

    start.shards.since = start.clock.now() + timedelta(seconds=1)
    start.first_lists.begin(KEYS[1:])
    await settle()
    assert await start.work_off() == []

    await start.clock.advance(1)
    start.listed(start.twilio, start.vonage, start.evolution)
    assert await start.work_off() == KEYS[1:]
