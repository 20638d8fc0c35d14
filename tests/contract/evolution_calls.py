"""What the Evolution client is called with so that it sends a recorded request, and what it must make of the
answer.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from controller.providers.evolution.bots import Bot, BotKind, BotSettings, OpenAICredentials
from controller.providers.evolution.bots_wire import BotBody, SessionBody, create_bot_request
from controller.providers.evolution.client import EvolutionClient
from controller.providers.evolution.protocol import (
    BehaviourSettings,
    Integration,
    NewInstance,
    PairingOffer,
    SessionState,
    WebhookSettings,
)
from controller.providers.evolution.wire import SettingsBody

from .recordings import Recording

Parts = Mapping[str, str]


async def instances(client: EvolutionClient, recording: Recording, _: Parts) -> None:
    rows = await client.instances()
    assert [(row.name, row.token, row.number, row.business_id, row.client_name) for row in rows] == [
        (one["name"], one["token"], one["number"], one["businessId"], one["clientName"])
        for one in answer(recording)
    ]


async def instance(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    row = await client.instance(parts["name"])
    if recording.status == 404 or not recording.answer:
        assert row is None
        return
    (recorded,) = answer(recording)
    assert row is not None
    assert (row.name, row.id, row.integration) == (parts["name"], recorded["id"], recorded["integration"])
    assert (row.number, row.business_id) == (recorded["number"], recorded["businessId"])
    assert row.stored_state == recorded["connectionStatus"]
    assert row.settings == SettingsBody.model_validate(recorded["Setting"]).to_settings()
    assert (row.owner_number or "").lstrip("+") == (recorded["ownerJid"] or "").partition("@")[0]


async def live_states(client: EvolutionClient, recording: Recording, _: Parts) -> None:
    live = await client.live_states()
    assert live is not None
    assert (live.version, live.client_name) == ("2.3.7", "evo_dev")
    up = re.findall(r'^evolution_instance_state\{.*state="(.*?)".*\} 1$', answer(recording), re.MULTILINE)
    assert sorted(live.states.values()) == sorted(up)


async def live_state(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    assert await client.live_state(parts["name"]) == answer(recording)["instance"].get("state")


async def create(client: EvolutionClient, recording: Recording, _: Parts) -> None:
    body = sent(recording)
    webhook = body.get("webhook")
    await client.create(
        NewInstance(
            name=body["instanceName"],
            integration=Integration(body["integration"]),
            token=body.get("token", "made-by-us"),
            number=body.get("number", ""),
            business_id=body.get("businessId", ""),
            settings=SettingsBody.model_validate(body).to_settings(),
            webhook=webhook_of({"enabled": True, **webhook}) if webhook else None,
        )
    )


async def connect(client: EvolutionClient, _: Recording, parts: Parts) -> None:
    await client.connect(parts["name"])


async def pairing_code(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    offer = await client.pairing_code(parts["name"], parts.get("number"))
    recorded = answer(recording)
    if recorded.get("code"):
        assert offer == PairingOffer(recorded["code"], recorded["pairingCode"], recorded["count"])
        assert recorded["code"] not in repr(offer)
        assert str(recorded["pairingCode"]) not in repr(offer)
    else:
        assert offer is (SessionState.OPEN if "instance" in recorded else None)


async def logout(client: EvolutionClient, _: Recording, parts: Parts) -> None:
    await client.logout(parts["name"])


async def delete(client: EvolutionClient, _: Recording, parts: Parts) -> None:
    await client.delete(parts["name"])


async def set_settings(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    settings: BehaviourSettings = SettingsBody.model_validate(recording.body).to_settings()
    await client.set_settings(parts["name"], settings)


async def webhook(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    found = await client.webhook(parts["name"])
    assert found == (webhook_of(answer(recording)) if recording.answer else None)


async def set_webhook(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    await client.set_webhook(parts["name"], webhook_of(sent(recording)["webhook"]))


async def set_profile_name(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    await client.set_profile_name(parts["name"], sent(recording)["name"])


async def set_profile_about(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    await client.set_profile_about(parts["name"], sent(recording)["status"])


async def bots(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    found = await client.bots.read(parts["name"], BotKind(parts["kind"]))
    assert len(found) == len(answer(recording))
    for bot, row in zip(found, answer(recording), strict=True):
        assert_same_bot(bot, row)


async def create_bot(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    wanted = bot_of(sent(recording), BotKind(parts["kind"]))
    made = await client.bots.create(parts["name"], wanted)
    assert_same_bot(made, answer(recording))
    # timePerChar has a default of its own with OpenAI, and was not among what was recorded.
    assert {*made.differences(wanted)} <= {"session.time_per_char"}


async def update_bot(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    wanted = bot_of(sent(recording), BotKind(parts["kind"]), parts["id"])
    made = await client.bots.update(parts["name"], wanted)
    assert made.id == parts["id"]
    assert_same_bot(made, answer(recording))


async def delete_bot(client: EvolutionClient, _: Recording, parts: Parts) -> None:
    await client.bots.delete(parts["name"], BotKind(parts["kind"]), parts["id"])


async def bot_settings(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    settings = await client.bots.settings(parts["name"], BotKind(parts["kind"]))
    recorded = answer(recording)
    assert settings == (settings_of(recorded) if "id" in recorded else None)


async def set_bot_settings(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    settings = settings_of(sent(recording))
    await client.bots.set_settings(parts["name"], BotKind(parts["kind"]), settings)


async def credentials(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    found = await client.openai.credentials(parts["name"])
    assert found == [OpenAICredentials(one["id"], one["name"], one["apiKey"]) for one in answer(recording)]
    assert not [one for one in found if one.api_key in repr(one)]


async def create_credentials(client: EvolutionClient, recording: Recording, parts: Parts) -> None:
    body = sent(recording)
    made = await client.openai.create_credentials(parts["name"], body["name"], body["apiKey"])
    assert made == OpenAICredentials(answer(recording)["id"], body["name"], body["apiKey"])


async def delete_credentials(client: EvolutionClient, _: Recording, parts: Parts) -> None:
    await client.openai.delete_credentials(parts["name"], parts["id"])


def answer(recording: Recording) -> Any:
    return recording.answer


def sent(recording: Recording) -> Any:
    return recording.body


def webhook_of(body: Mapping[str, Any]) -> WebhookSettings:
    return WebhookSettings(
        body["enabled"], body["url"], tuple(body.get("events") or ()), body.get("headers") or {}
    )


def bot_of(body: Mapping[str, Any], kind: BotKind, id_: str = "") -> Bot:
    return BotBody.model_validate({**body, "id": id_}).to_bot(kind)


def settings_of(body: Mapping[str, Any]) -> BotSettings:
    return BotSettings(
        session=SessionBody.model_validate(body).to_session(),
        fallback_id=body.get("fallbackId") or "",
        openai_credentials_id=body.get("openaiCredsId", ""),
        speech_to_text=body.get("speechToText", False),
    )


def assert_same_bot(bot: Bot, row: Mapping[str, Any]) -> None:
    assert bot.id == row["id"]
    understood = create_bot_request(bot)
    assert understood == {name: row[name] for name in understood}
    kept_apart = {"id", "instanceId", "createdAt", "updatedAt"}
    assert {name for name in row.keys() - understood.keys() - kept_apart if row[name]} == set()


Act = Callable[[EvolutionClient, Recording, Parts], Awaitable[None]]
_NAME: Final = r"/(?P<name>[^/?]+)"
_ID: Final = r"/(?P<id>[^/?]+)"
_KIND: Final = f"/(?P<kind>{'|'.join(BotKind)})"


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of the client, and the requests that are its own."""

    method: str
    path: str
    act: Act

    def parts(self, recording: Recording) -> Parts | None:
        """Name, id and kind in the request, as far as it has them; None when it is another operation's."""
        match = re.fullmatch(self.path, recording.path)
        if match is None or recording.method != self.method:
            return None
        return {name: unquote(value) for name, value in match.groupdict().items() if value is not None}


OPERATIONS: Final = (
    Operation("GET", "/instance/fetchInstances", instances),
    Operation("GET", r"/instance/fetchInstances\?instanceName=(?P<name>[^&]+)", instance),
    Operation("GET", "/metrics", live_states),
    Operation("GET", f"/instance/connectionState{_NAME}", live_state),
    Operation("POST", "/instance/create", create),
    Operation("GET", f"/instance/connect{_NAME}", connect),
    Operation("GET", rf"/instance/connect{_NAME}(\?number=(?P<number>\d+))?", pairing_code),
    Operation("DELETE", f"/instance/logout{_NAME}", logout),
    Operation("DELETE", f"/instance/delete{_NAME}", delete),
    Operation("POST", f"/settings/set{_NAME}", set_settings),
    Operation("GET", f"/webhook/find{_NAME}", webhook),
    Operation("POST", f"/webhook/set{_NAME}", set_webhook),
    Operation("POST", f"/chat/updateProfileName{_NAME}", set_profile_name),
    Operation("POST", f"/chat/updateProfileStatus{_NAME}", set_profile_about),
    Operation("GET", f"{_KIND}/find{_NAME}", bots),
    Operation("POST", f"{_KIND}/create{_NAME}", create_bot),
    Operation("PUT", f"{_KIND}/update{_ID}{_NAME}", update_bot),
    Operation("DELETE", f"{_KIND}/delete{_ID}{_NAME}", delete_bot),
    Operation("GET", f"{_KIND}/fetchSettings{_NAME}", bot_settings),
    Operation("POST", f"{_KIND}/settings{_NAME}", set_bot_settings),
    Operation("GET", f"/openai/creds{_NAME}", credentials),
    Operation("POST", f"/openai/creds{_NAME}", create_credentials),
    Operation("DELETE", f"/openai/creds{_ID}{_NAME}", delete_credentials),
)
