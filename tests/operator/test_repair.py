"""Somebody changes the outside world by hand; the next poll shows it, and it is put right."""

from controller.api.group import Annotation
from tests.operator.eventually import eventually
from tests.operator.stage import Stage


async def test_an_instance_deleted_by_hand_comes_back(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [before] = await stage.ready("bakery")
    name = before["instance"]["name"]
    first = (await stage.evolution.instances())[name]

    await stage.evolution.control("DELETE", f"instances/{name}")

    async def is_back() -> bool:
        status = await stage.status("bakery")
        return bool(status["instance"]["id"] != first["id"] and status["phase"] == "Ready")

    await eventually(is_back)
    again = (await stage.evolution.instances())[name]
    assert again["webhook"]["url"] == first["webhook"]["url"]
    assert again["settings"] == first["settings"]
    assert len(await stage.telephony.charges()) == 1


async def test_a_number_changed_by_hand_is_repaired(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    number = status["phoneNumber"]["number"]

    await stage.telephony.control(
        "POST", f"numbers/{number}", {"VoiceUrl": "https://demo.twilio.com/", "SmsUrl": ""}
    )

    async def is_repaired() -> bool:
        owned = (await stage.telephony.numbers())[number]
        return (owned["voice_url"], owned["sms_url"]) == (
            stage.told("https://platform.example/voice/bakery"),
            stage.told("https://platform.example/sms/bakery"),
        )

    await eventually(is_repaired)


async def test_a_number_changed_again_and_again_is_left_to_the_other_writer(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    number = status["phoneNumber"]["number"]

    for attempt in range(4):
        other = f"https://other.example/{attempt}"
        await stage.telephony.control("POST", f"numbers/{number}", {"VoiceUrl": other})
        if attempt == 3:
            break

        async def is_repaired(other: str = other) -> bool:
            return bool((await stage.telephony.numbers())[number]["voice_url"] != other)

        await eventually(is_repaired)

    message = await stage.not_ready("bakery", "Contended")
    assert "Find the other writer" in message
    assert (await stage.telephony.numbers())[number]["voice_url"] == "https://other.example/3"


async def test_a_lost_number_is_not_replaced_unless_somebody_approves(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    lost = status["phoneNumber"]["number"]

    await stage.telephony.control("DELETE", f"numbers/{lost}")
    assert lost in await stage.not_ready("bakery", "NumberLost")
    await stage.polls(3)
    assert await stage.telephony.charges() == [lost]

    await stage.annotate("bakery", Annotation.APPROVE_REPLACEMENT, lost)

    async def has_another() -> bool:
        number = (await stage.status("bakery")).get("phoneNumber") or {}
        return number.get("number") not in (None, lost)

    await eventually(has_another)
    assert len(await stage.telephony.charges()) == 2
