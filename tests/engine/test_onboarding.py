"""From an applied tenant to one that is live; what edits change, and what they do not."""

from typing import Any

import pytest

from .conftest import StartWorld
from .tenants import VOICE_URL, WEBHOOK_URL, number_only, tenant
from .world import ACCOUNT, CLUSTER_ID, WEBHOOK_TOKEN, World


async def test_a_tenant_becomes_live_and_then_nothing_moves(world: World) -> None:
    operator = await world.ready(tenant())
    assert await world.is_ready()
    status, number, instance = await world.status(), world.number(), world.instance()
    assert world.charges == [number.phone_number] == [status["phoneNumber"]["number"]]
    assert str(number.fields["friendly_name"]).startswith(f"bt1:{CLUSTER_ID}:a:")
    assert number.fields["voice_url"] == VOICE_URL
    assert status["instance"]["number"] == number.phone_number
    assert instance.setting.values["rejectCall"] is True
    assert instance.account.name == "Cafe cafe"
    assert instance.webhook is not None
    assert (instance.webhook.url, instance.webhook.events) == (WEBHOOK_URL, ["MESSAGES_UPSERT"])
    assert (instance.webhook.headers or {})["authorization"] == WEBHOOK_TOKEN
    assert await world.secret("cafe-evolution")
    assert await world.claims() == []
    assert any(message.startswith("Live on +") for message in await world.events("Ready"))
    await world.assert_still(operator)


async def test_a_restart_adopts_a_ready_tenant_without_a_write(world: World) -> None:
    await (await world.ready(tenant())).poll()
    changes = len(world.wire.kube_changes), len(world.wire.outside_changes)
    operator = await world.start_operator()
    await operator.until_quiet()
    await operator.look_at_all()
    assert (len(world.wire.kube_changes), len(world.wire.outside_changes)) == changes


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"business": {"description": "Better coffee"}}, []),
        (
            {"business": {"about": "Open 8-20"}},
            ["POST /chat/updateProfileName/{name}", "POST /chat/updateProfileStatus/{name}"],
        ),
        ({"whatsapp": {"settings": {"alwaysOnline": True}}}, ["POST /settings/set/{name}"]),
        ({"ai": {"features": ["menu"]}}, ["POST /webhook/set/{name}"]),
        ({"ai": {"voice": {"url": "http://platform.test/other"}}}, ["POST /IncomingPhoneNumbers/{sid}"]),
        ({"phoneNumber": {"pattern": "+371299"}}, []),
    ],
)
async def test_an_edit_changes_what_it_names_and_nothing_else(
    world: World, edit: dict[str, Any], changed: list[str]
) -> None:
    operator = await world.ready(tenant())
    before = len(world.wire.outside_changes)
    await world.edit(edit)
    await operator.until_quiet()
    assert world.wire.outside_changes[before:] == changed
    assert await world.is_ready()
    await world.assert_still(operator)


async def test_a_wish_that_changed_later_buys_nothing_and_says_so(world: World) -> None:
    operator = await world.ready(tenant())
    await world.edit({"phoneNumber": {"pattern": "+371299"}})
    await operator.until_quiet()
    assert (await world.condition("NumberReady"))["reason"] == "NotAsRequested"
    assert len(world.charges) == 1


async def test_a_changed_secret_is_written_to_the_webhook(world: World) -> None:
    operator = await world.ready(tenant())
    await world.apply(_hook_secret("Bearer webhook-token-never-shown-either"))
    await operator.until_quiet()
    webhook = world.instance().webhook
    assert webhook is not None
    assert (webhook.headers or {})["authorization"] == "Bearer webhook-token-never-shown-either"


async def test_a_missing_secret_is_named_and_noticed_when_it_appears(world: World) -> None:
    reference = {"name": "late", "key": "token"}
    operator = await world.ready(tenant(ai={"webhook": {"authSecretRef": reference}}))
    condition = await world.condition("RoutingReady")
    assert condition["reason"] == "SecretNotFound"
    assert "tenants/late" in condition["message"]
    await world.apply(_hook_secret("Bearer late-token", name="late"))
    await operator.until_quiet()
    assert await world.is_ready()


async def test_pairing_waits_for_a_person_and_times_out(start_world: StartWorld) -> None:
    async with start_world(manual_pairing=True) as world:
        operator = await world.ready(tenant())
        assert (await world.condition("WhatsAppConnected"))["reason"] == "WaitingForPairing"
        assert (await world.status())["phase"] == "WaitingForPairing"
        await world.clock.advance(3700)
        await operator.until_quiet()
        assert (await world.condition("Ready"))["reason"] == "PairingTimedOut"
        await world.annotate(reconcile_requested_at="now")
        await operator.until_quiet()
        assert (await world.condition("WhatsAppConnected"))["reason"] == "WaitingForPairing"
        assert (await world.status())["lastHandledReconcileAt"] == "now"
        await world.evolution_console(
            f"instances/{world.instance().name}/scan", {"number": world.number().phone_number}
        )
        await operator.poll()
        assert await world.is_ready()


async def test_two_tenants_and_one_number_for_sale(world: World) -> None:
    await world.twilio_console("inventory", {"LV": {"mobile": {"candidates": ["+37120000001"]}}})
    operator = await world.ready(number_only("first"), number_only("second"))
    await operator.until_quiet(within=60)
    ready = {name: await world.is_ready(name) for name in ("first", "second")}
    assert sorted(ready.values()) == [False, True]
    loser = next(name for name, is_ready in ready.items() if not is_ready)
    assert (await world.condition("NumberReady", loser))["reason"] == "NoNumberForSale"
    assert "phoneNumber" not in await world.status(loser)
    assert world.charges == ["+37120000001"]
    assert await world.claims() == []


async def test_a_number_of_somebody_else_in_the_account_is_never_changed(world: World) -> None:
    theirs = "+37120000009"
    await world.twilio_console(
        "numbers", {"account": ACCOUNT, "PhoneNumber": theirs, "VoiceUrl": "http://theirs"}
    )
    # The market still offers it; a POST would be answered as a purchase and change their number.
    offer = {
        "phone_number": theirs,
        "capabilities": {"voice": True, "SMS": True},
        "address_requirements": "none",
    }
    await world.twilio_console(
        "faults",
        [
            {
                "match": "GET /2010-04-01/Accounts/*/AvailablePhoneNumbers/LV/Mobile.json",
                "action": "status:200",
                "body": {"available_phone_numbers": [offer]},
            }
        ],
    )
    operator = await world.ready(number_only())
    assert (await world.condition("NumberReady"))["reason"] == "Purchasing"
    assert world.numbers[theirs].fields["voice_url"] == "http://theirs"
    assert "bt1:" not in str(world.numbers[theirs].fields["friendly_name"])
    assert world.charges == []
    assert await world.claims() == []
    await world.twilio_console("faults")
    await operator.until_quiet(within=300)
    assert await world.is_ready()
    assert len(world.charges) == 1
    assert (await world.status())["phoneNumber"]["number"] != theirs


@pytest.mark.parametrize("policy", ["Retain", "Release"])
async def test_a_number_changed_by_mistake_is_left_to_a_person(world: World, policy: str) -> None:
    """The look before the purchase missed that the account owns it: the request changed it, and says so for ever."""
    theirs = "+37120000009"
    await world.twilio_console("numbers", {"account": ACCOUNT, "PhoneNumber": theirs})
    await world.clock.advance(3600)
    offer = {
        "phone_number": theirs,
        "capabilities": {"voice": True, "SMS": True},
        "address_requirements": "none",
    }
    account = "/2010-04-01/Accounts/*"
    nothing: dict[str, Any] = {"incoming_phone_numbers": [], "next_page_uri": None}
    operator = await world.start_operator()
    await operator.until_quiet()
    await world.twilio_console(
        "faults",
        [
            {
                "match": f"GET {account}/AvailablePhoneNumbers/LV/Mobile.json",
                "action": "status:200",
                "body": {"available_phone_numbers": [offer]},
            },
            {
                "match": f"GET {account}/IncomingPhoneNumbers.json",
                "action": "status:200",
                "body": nothing,
                "times": 1,
            },
        ],
    )
    await world.apply(number_only(deletionPolicy=policy))
    await operator.until_quiet()
    assert (await world.condition("Ready"))["reason"] == "NeedsHuman"
    await operator.look_at_all()
    assert (await world.condition("Ready"))["reason"] == "NeedsHuman"
    await world.delete()
    await operator.until_quiet()
    await world.clock.advance(700)
    await operator.until_quiet()
    assert not await world.exists()
    assert theirs in world.numbers


def _hook_secret(value: str, name: str = "hook") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "tenants"},
        "stringData": {"token": value},
    }
