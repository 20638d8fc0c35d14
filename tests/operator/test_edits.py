"""What is edited is changed outside, and nothing else."""

from typing import Any

import pytest

from tests.operator.stage import Stage

NUMBER = "POST /2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json"


@pytest.mark.parametrize(
    ("edit", "writes"),
    [
        pytest.param(
            {"ai": {"webhook": {"url": "http://127.0.0.1:9/hook/new"}}},
            {"POST /webhook/set/{name}": 1},
            id="webhook url",
        ),
        pytest.param(
            {"business": {"languages": ["en"]}},
            {"POST /webhook/set/{name}": 1},
            id="languages, which travel in the webhook's headers",
        ),
        pytest.param(
            {"whatsapp": {"settings": {"ignoreGroups": True}}},
            {"POST /settings/set/{name}": 1},
            id="settings",
        ),
        pytest.param(
            {"business": {"about": "Closed on Sunday"}},
            {"POST /chat/updateProfileName/{name}": 1, "POST /chat/updateProfileStatus/{name}": 1},
            id="about line",
        ),
        pytest.param({"ai": {"sms": {"url": "https://platform.example/sms/new"}}}, {NUMBER: 1}, id="sms url"),
        pytest.param({"business": {"description": "Ciabatta"}}, {}, id="description, which goes nowhere"),
        pytest.param({"phoneNumber": {"pattern": "+371999*"}}, {}, id="wishes for a number it has"),
    ],
)
async def test_an_edit_changes_only_what_it_speaks_of(
    stage: Stage, edit: dict[str, Any], writes: dict[str, int]
) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery", "florist")
    await stage.ready("bakery", "florist")
    florist = await stage.tenant("florist")
    await stage.telephony.forget_requests()
    await stage.evolution.forget_requests()

    await stage.patch("bakery", edit)
    await stage.ready("bakery")

    assert await stage.telephony.writes() + await stage.evolution.writes() == writes
    assert await stage.tenant("florist") == florist, "nobody wrote to another tenant"


async def test_an_edit_reaches_the_outside_world(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.ready("bakery")

    await stage.patch(
        "bakery",
        {
            "business": {"about": "Closed on Sunday"},
            "whatsapp": {"settings": {"alwaysOnline": True}},
            "ai": {
                "webhook": {"url": "http://127.0.0.1:9/new"},
                "voice": {"url": "https://platform.example/new"},
            },
        },
    )
    [status] = await stage.ready("bakery")

    instance = (await stage.evolution.instances())[status["instance"]["name"]]
    assert instance["profileStatus"] == "Closed on Sunday"
    assert instance["settings"]["alwaysOnline"] is True
    assert instance["webhook"]["url"] == "http://127.0.0.1:9/new"
    number = (await stage.telephony.numbers())[status["phoneNumber"]["number"]]
    assert number["voice_url"] == stage.told("https://platform.example/new")


async def test_removing_a_block_keeps_what_it_stood_for(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [before] = await stage.ready("bakery")

    await stage.patch("bakery", {"phoneNumber": None, "whatsapp": None, "ai": None})
    await stage.ready("bakery")

    number = (await stage.telephony.numbers())[before["phoneNumber"]["number"]]
    assert (number["voice_url"], number["sms_url"]) == ("", "")
    assert ":r:" in number["friendly_name"]
    instance = (await stage.evolution.instances())[before["instance"]["name"]]
    assert instance["live"] == "open"
    assert not instance["webhook"]["enabled"]

    await stage.apply_tenants("bakery")
    [again] = await stage.ready("bakery")
    assert again["phoneNumber"]["number"] == before["phoneNumber"]["number"]
    assert again["instance"]["id"] == before["instance"]["id"]
    assert len(await stage.telephony.charges()) == 1
