"""What a tenant is told when no number can be bought for it, at either provider: nothing is spent, nothing hangs."""

from typing import Any

import pytest

from .conftest import StartWorld
from .phone_accounts import PROVIDERS, PhoneAccount, TwilioSide, VonageSide
from .tenants import VOICE_URL, called, tenant
from .world import ACCOUNT, World

OTHER_CURRENCY = {"currency": "CHF", "amount": "99.00"}


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_a_price_above_the_ceiling_or_in_another_currency(
    start_world: StartWorld, phone: type[PhoneAccount]
) -> None:
    amount, currency = phone.price
    just_below = {"currency": currency, "amount": f"{float(amount) - 0.01:.2f}"}
    async with start_world(phone=phone) as world:
        await world.apply(called("dear", maxMonthlyCost=[just_below]))
        await world.apply(called("foreign", maxMonthlyCost=[OTHER_CURRENCY]))
        operator = await world.start_operator()
        await operator.until_quiet()
        await _assert_nothing_is_bought(world, "TooExpensive", "dear")
        await _assert_nothing_is_bought(world, "PriceNotComparable", "foreign")
        await world.edit(
            {"phoneNumber": {"maxMonthlyCost": [OTHER_CURRENCY, {**just_below, "amount": amount}]}}, "foreign"
        )
        await operator.until_quiet()
        assert await world.is_ready("foreign")
        assert len(world.charges) == 1


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_an_unknown_price(start_world: StartWorld, phone: type[PhoneAccount]) -> None:
    async with start_world(phone=phone) as world:
        await world.phone.for_sale(price=None)
        ceiling = {"currency": phone.price[1], "amount": "99.00"}
        await world.ready(called(maxMonthlyCost=[ceiling]))
        assert world.charges == []


@pytest.mark.parametrize("phone", PROVIDERS)
@pytest.mark.parametrize(
    "wish",
    [
        {"pattern": "+99999*"},
        {"type": "National"},
        {"country": "AQ"},
        {"type": "Local", "capabilities": ["SMS"]},
    ],
    ids=str,
)
async def test_nothing_of_the_kind_is_sold(
    start_world: StartWorld, phone: type[PhoneAccount], wish: dict[str, Any]
) -> None:
    async with start_world(phone=phone) as world:
        await world.ready(called(**wish))
        await _assert_nothing_is_bought(world, "NoNumberForSale")


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_a_sold_out_market_is_looked_at_again_by_itself(
    start_world: StartWorld, phone: type[PhoneAccount]
) -> None:
    async with start_world(phone=phone) as world:
        await world.phone.for_sale(stock=0)
        operator = await world.ready(called())
        await _assert_nothing_is_bought(world, "NoNumberForSale")
        await world.phone.for_sale(stock=5)
        await operator.until_quiet(within=700)
        assert await world.is_ready()
        assert len(world.charges) == 1


@pytest.mark.parametrize(
    ("phone", "shelf", "reason"),
    [
        (TwilioSide, {"bundle_required": True}, "BundleRequired"),
        (VonageSide, {"dashboard_only": True}, "AddressRequired"),
    ],
)
async def test_papers_that_the_country_demands(
    start_world: StartWorld, phone: type[PhoneAccount], shelf: dict[str, Any], reason: str
) -> None:
    async with start_world(phone=phone) as world:
        await world.phone.for_sale(**shelf)
        operator = await world.ready(called())
        await _assert_nothing_is_bought(world, reason)
        assert await world.claims() == []
        before = len(world.wire.outside_changes)
        await operator.until_quiet(within=2 * 3600)
        assert world.wire.outside_changes[before:] == []  # refused as it stands: repeating it would not help


@pytest.mark.parametrize("mended", ["spec", "asked to", "account"])
async def test_a_refused_purchase_is_tried_again_when_something_was_mended(world: World, mended: str) -> None:
    await world.phone.for_sale(bundle_required=True)
    operator = await world.ready(called())
    await _assert_nothing_is_bought(world, "BundleRequired")
    await world.phone.for_sale(bundle_required=False)
    match mended:
        case "spec":
            await world.edit({"phoneNumber": {"pattern": "+371*"}})
        case "asked to":
            await world.annotate(reconcile_requested_at="now")
        case "account":
            await world.edit_provider({"priority": 7})
    await operator.until_quiet()
    assert await world.is_ready(), await world.condition("NumberReady")
    assert len(world.charges) == 1


BUNDLE = "BU" + "b" * 32


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("in-review", "WaitingForApproval"),
        ("draft", "BundleRequired"),
        ("twilio-rejected", "BundleRequired"),
        (None, "BundleRequired"),
    ],
)
async def test_a_bundle_that_is_not_approved(world: World, state: str | None, reason: str) -> None:
    await world.phone.for_sale(bundle_required=True)
    if state is not None:
        await world.phone.console(f"bundles/{BUNDLE}", {"account": ACCOUNT, "status": state})
    operator = await world.ready(called(regulatory={"bundleSID": BUNDLE}))
    await _assert_nothing_is_bought(world, reason)
    assert world.wire.outside_changes == []
    await world.phone.console(f"bundles/{BUNDLE}", {"account": ACCOUNT, "status": "twilio-approved"})
    await operator.until_quiet(within=700)
    assert await world.is_ready(), await world.condition("NumberReady")
    assert len(world.charges) == 1


async def test_a_trial_account_that_has_its_one_number(world: World) -> None:
    fault = {
        "match": "POST /2010-04-01/Accounts/*/IncomingPhoneNumbers.json",
        "action": "status:400",
        "body": {
            "status": 400,
            "code": 10002,
            "message": "Trial accounts are allowed one number",
            "more_info": "",
        },
    }
    await world.phone.console("faults", [fault])
    operator = await world.ready(called())
    await _assert_nothing_is_bought(world, "Refused")
    assert "trial" in (await world.condition("NumberReady"))["message"]
    before = len(world.wire.outside_changes)
    await operator.until_quiet(within=2 * 3600)
    assert world.wire.outside_changes[before:] == []


async def test_numbers_that_demand_an_address_are_not_offered_without_one(world: World) -> None:
    await world.phone.for_sale(address_requirements="any")
    operator = await world.ready(called())
    await _assert_nothing_is_bought(world, "NoNumberForSale")
    await world.edit({"phoneNumber": {"regulatory": {"addressSID": "AD" + "a" * 32}}})
    await operator.until_quiet()
    assert await world.is_ready(), await world.condition("NumberReady")


async def test_a_suspended_account_is_waited_for(world: World) -> None:
    await world.phone.console(f"accounts/{world.phone.account}", {"status": "suspended"})
    operator = await world.ready(called())
    await _assert_nothing_is_bought(world, "SearchingExisting")
    assert world.phone.provider_name in (await world.condition("NumberReady"))["message"]
    conditions = {c["type"]: c for c in (await world.provider())["status"]["conditions"]}
    assert conditions["Ready"]["status"] == "False"
    assert "suspended" in conditions["Ready"]["message"]
    await world.phone.console(f"accounts/{world.phone.account}", {"status": "active"})
    await operator.poll()
    assert await world.is_ready()
    assert len(world.charges) == 1


@pytest.mark.parametrize("phone", PROVIDERS)
async def test_refused_credentials_are_waited_for(start_world: StartWorld, phone: type[PhoneAccount]) -> None:
    async with start_world(phone=phone) as world:
        await world.phone.console("faults", [{"match": "* /**", "action": "status:401"}])
        operator = await world.ready(called())
        await _assert_nothing_is_bought(world, "SearchingExisting")
        (ready, *_) = (await world.provider())["status"]["conditions"]
        assert ready["reason"] == "WrongCredentials"
        await world.phone.come_back()
        await operator.poll()
        assert await world.is_ready()
        assert len(world.charges) == 1


async def test_nothing_new_goes_where_all_is_said_to_be_lost(world: World) -> None:
    await world.edit_provider({"lost": True})
    await world.edit_server({"lost": True})
    operator = await world.ready(tenant(phoneNumber={"providerRef": {"name": world.phone.provider_name}}))
    await _assert_nothing_is_bought(world, "ProviderNotFound")
    assert "lost" in (await world.condition("NumberReady"))["message"]
    assert world.instances == {}
    await world.edit_provider({"lost": None})
    await world.edit_server({"lost": None})
    await operator.until_quiet()
    assert await world.is_ready(), await world.status()


async def _assert_nothing_is_bought(world: World, reason: str, name: str = "cafe") -> None:
    condition = await world.condition("NumberReady", name)
    assert (condition["status"], condition["reason"]) == ("False", reason), condition
    assert world.charges == []
    assert "purchase" not in ((await world.status(name)).get("phoneNumber") or {})


async def test_a_forward_is_refused_at_twilio_before_money_is_spent(world: World) -> None:
    body = called()
    voice = {"route": "Forward", "forwardTo": "+37129999999"}
    await world.ready({**body, "spec": {**body["spec"], "ai": {"route": "None", "voice": voice}}})
    condition = await world.condition("NumberReady")
    assert condition["reason"] == "ForwardUnsupported"
    assert condition["message"].startswith("spec.ai.voice: ")
    assert world.charges == []
    assert await world.claims() == []


async def test_a_live_number_at_twilio_keeps_its_calls_when_a_forward_is_asked_for(world: World) -> None:
    operator = await world.ready(called())
    await world.edit({"ai": {"voice": {"route": "Forward", "url": None, "forwardTo": "+37129999999"}}})
    await operator.until_quiet()
    assert (await world.condition("NumberReady"))["reason"] == "ForwardUnsupported"
    assert world.number().fields["voice_url"] == VOICE_URL
