"""Mistakes that need no look at the world are refused by the API server, with a sentence naming the field."""

import re
from typing import Any

import pytest

from controller.runtime.kube_errors import ApiInvalid
from controller.runtime.manifests import ManifestError
from tests.operator import objects
from tests.operator.stage import Stage

Edit = dict[str, Any]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param(
            {"phoneNumber": {"country": "Latvia", "type": "Mobile"}},
            "spec.phoneNumber.country",
            id="country name",
        ),
        pytest.param(
            {"phoneNumber": {"country": "lv", "type": "Mobile"}},
            "spec.phoneNumber.country",
            id="country in small letters",
        ),
        pytest.param(
            {"phoneNumber": {"country": "LV", "type": "Landline"}}, "spec.phoneNumber.type", id="unknown type"
        ),
        pytest.param(
            {"ai": {"route": "None", "webhook": {"url": "https://platform.example/"}}},
            "spec.ai.webhook belongs to route Webhook; only the block of the chosen route may be given",
            id="two routes at once",
        ),
        pytest.param(
            {"phoneNumber": None},
            "spec.ai.voice needs spec.phoneNumber: without a number there are no calls",
            id="voice without a number",
        ),
        pytest.param(
            {"ai": {"route": "None", "voice": {"route": "Webhook"}}},
            "spec.ai.voice.url is needed with route Webhook",
            id="voice without a url",
        ),
        pytest.param(
            {"whatsapp": None},
            "spec.ai.route needs spec.whatsapp: without an instance there are no messages",
            id="messages without WhatsApp",
        ),
        pytest.param(
            {"ai": {"route": "Webhook", "webhook": {"url": "platform.example"}}},
            "spec.ai.webhook.url",
            id="url without scheme",
        ),
        pytest.param({"business": {"name": ""}}, "spec.business.name", id="empty name"),
    ],
)
async def test_a_mistake_is_refused_with_a_sentence_that_names_the_field(
    empty_stage: Stage, spec: Edit, sentence: str
) -> None:
    body = objects.business_tenant(empty_stage.namespace, "bakery", **spec)
    body["spec"] = {name: value for name, value in body["spec"].items() if value is not None}

    with pytest.raises(ManifestError) as refused:
        await empty_stage.apply(body)

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        pytest.param(
            {"phoneNumber": {"country": "EE"}},
            "spec.phoneNumber.country is immutable: the tenant has a number in another country",
            id="country",
        ),
        pytest.param(
            {"phoneNumber": {"type": "Local"}},
            "spec.phoneNumber.type is immutable: the tenant has a number of another type",
            id="type",
        ),
        pytest.param(
            {"whatsapp": {"channel": "Evolution"}},
            "spec.whatsapp.channel is immutable: the tenant has an instance of another channel",
            id="channel",
        ),
        pytest.param(
            {"business": {"id": "another"}}, "spec.business.id is immutable once set", id="business id"
        ),
    ],
)
async def test_what_was_built_on_cannot_be_changed(stage: Stage, edit: Edit, sentence: str) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.ready("bakery")

    with pytest.raises(ApiInvalid, match=re.escape(sentence)):
        await stage.patch("bakery", edit)


async def test_a_country_cannot_be_changed_by_removing_the_block_first(stage: Stage) -> None:
    operator = await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    await operator.stop()

    await stage.patch("bakery", {"phoneNumber": None, "ai": {"voice": None, "sms": None}})
    with pytest.raises(ApiInvalid, match=r"spec\.phoneNumber\.country is immutable"):
        await stage.patch("bakery", {"phoneNumber": {"country": "EE", "type": "Mobile"}})

    await stage.patch("bakery", {"phoneNumber": {"country": "LV", "type": "Mobile"}})
    await stage.start_operator()
    [again] = await stage.ready("bakery")
    assert again["phoneNumber"]["number"] == status["phoneNumber"]["number"]
