"""Clients of Meta are kept between passes, few of them, and never closed under somebody's hands."""

from collections.abc import AsyncIterator

import pytest

from controller.api.common_fields import SecretKeyReference
from controller.providers.clock import Clock
from controller.providers.errors import Terminal
from controller.providers.meta.protocol import MetaAccount
from controller.providers.transport import unobserved
from controller.runtime.meta_clients import MetaClients
from controller.sandbox.fakes.graph.fake import Account, GraphFake

TOKEN = "token"
REFERENCE = SecretKeyReference(name="meta", key=TOKEN)


@pytest.fixture
async def graph() -> AsyncIterator[GraphFake]:
    fake = GraphFake(accounts=[Account("400", "good", {str(n): f"+3712000000{n}" for n in range(1, 4)})])
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def clients(graph: GraphFake) -> AsyncIterator[MetaClients]:
    made = MetaClients(unobserved, Clock(), base_url=graph.base_url, most=2)
    yield made
    await made.close()


async def use(clients: MetaClients, id_: str) -> MetaAccount:
    async with clients.account(
        REFERENCE, {TOKEN: "good"}, phone_number_id=id_, business_account_id="400"
    ) as account:
        assert (await account.phone_number()).id == id_
        return account


async def test_the_same_number_and_token_have_the_same_client(clients: MetaClients) -> None:
    assert await use(clients, "1") is await use(clients, "1")
    assert await use(clients, "1") is not await use(clients, "2")


async def test_only_the_most_recently_used_are_kept(clients: MetaClients) -> None:
    first = await use(clients, "1")
    second = await use(clients, "2")
    assert await use(clients, "1") is first
    await use(clients, "3")

    assert len(clients) == 2
    assert await use(clients, "1") is first
    assert await use(clients, "2") is not second


async def test_one_in_use_is_not_closed(clients: MetaClients) -> None:
    async with clients.account(
        REFERENCE, {TOKEN: "good"}, phone_number_id="1", business_account_id="400"
    ) as account:
        await use(clients, "2")
        await use(clients, "3")
        assert (await account.phone_number()).id == "1"


async def test_the_token_is_shown_nowhere(clients: MetaClients) -> None:
    await use(clients, "1")
    assert "good" not in f"{clients._kept} {clients._limiters}"


async def test_a_missing_key_is_named(clients: MetaClients) -> None:
    with pytest.raises(Terminal, match="Secret meta has no key token"):
        async with clients.account(REFERENCE, {}, phone_number_id="1", business_account_id="400"):
            pass
    assert len(clients) == 0
