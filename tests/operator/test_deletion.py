"""Deleting a tenant keeps its number and its pairing; applying it again brings both back."""

from typing import Any

from controller.api.group import TENANT_FINALIZER
from tests.operator.eventually import eventually
from tests.operator.stage import Stage


async def test_number_and_instance_are_kept_and_silenced(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")

    await stage.delete_and_wait("bakery")

    number = (await stage.telephony.numbers())[status["phoneNumber"]["number"]]
    assert (number["voice_url"], number["sms_url"]) == ("", "")
    assert number["friendly_name"].startswith(f"bt1:{stage.settings.cluster_id}:r:")
    instance = (await stage.evolution.instances())[status["instance"]["name"]]
    assert instance["live"] == "open"
    assert not instance["webhook"]["enabled"]


async def test_the_same_tenant_gets_the_same_number_and_pairing_again(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [before] = await stage.ready("bakery")
    paired = (await stage.evolution.instances())[before["instance"]["name"]]
    await stage.delete_and_wait("bakery")
    await stage.evolution.forget_requests()

    await stage.apply_tenants("bakery")
    [after] = await stage.ready("bakery")

    assert after["phoneNumber"]["number"] == before["phoneNumber"]["number"]
    assert after["phoneNumber"]["origin"] == "TakenBack"
    assert await stage.telephony.charges() == [before["phoneNumber"]["number"]]
    again = (await stage.evolution.instances())[after["instance"]["name"]]
    assert (again["id"], again["ownerJid"]) == (paired["id"], paired["ownerJid"])
    assert again["webhook"]["enabled"]
    assert (await stage.evolution.requests())["GET /instance/connect/{name}"] == 0, "no new scan"
    number = (await stage.telephony.numbers())[before["phoneNumber"]["number"]]
    assert number["friendly_name"].startswith(f"bt1:{stage.settings.cluster_id}:a:")
    assert number["voice_url"] == stage.told("https://platform.example/voice/bakery")


async def test_what_the_spec_says_to_give_up_is_given_up(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.patch(
        "bakery", {"phoneNumber": {"deletionPolicy": "Release"}, "whatsapp": {"deletionPolicy": "Delete"}}
    )
    await stage.ready("bakery")

    await stage.delete_and_wait("bakery")

    assert await stage.telephony.numbers() == {}
    assert await stage.evolution.instances() == {}


async def test_a_tenant_deleted_while_nobody_looks_is_let_go_later(stage: Stage) -> None:
    operator = await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    await operator.stop()

    await stage.delete("bakery")
    assert TENANT_FINALIZER in (await stage.tenant("bakery"))["metadata"]["finalizers"]
    await stage.start_operator()
    await stage.gone("bakery")

    assert ":r:" in (await stage.telephony.numbers())[status["phoneNumber"]["number"]]["friendly_name"]


async def test_a_deletion_waits_for_an_unreachable_server_for_ten_minutes_only(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.ready("bakery")
    await stage.evolution.go_down()
    await stage.server_not_ready("ServerUnavailable")

    await stage.delete("bakery")

    async def is_deleting() -> bool:
        return bool((await stage.status("bakery"))["phase"] == "Deleting")

    await eventually(is_deleting)
    uid = (await stage.tenant("bakery"))["metadata"]["uid"]

    stage.clock.advance(11 * 60)
    await stage.gone("bakery")

    async def left_behind() -> list[dict[str, Any]]:
        events = await stage.events("bakery")
        return [e for e in events if e["reason"] == "LeftBehind" and e["involvedObject"]["uid"] == uid]

    assert "applying the tenant again takes it back" in (await eventually(left_behind))[0]["message"]
