"""The platform's environment variables, as it has always set them."""

from typing import Any

from controller.runtime.kube_resources import EVOLUTION_SERVERS, PHONE_PROVIDERS
from tests.operator import objects
from tests.operator.outside import ACCOUNT_SID, API_KEY, AUTH_TOKEN
from tests.operator.stage import Stage


async def test_the_environment_becomes_objects_named_default(empty_stage: Stage) -> None:
    stage = empty_stage

    await stage.start_operator(_environment(stage))

    provider = await stage.api.get(PHONE_PROVIDERS, "default")
    server = await stage.api.get(EVOLUTION_SERVERS, "default")
    assert provider is not None
    assert server is not None
    assert provider["spec"]["twilio"]["accountSID"] == ACCOUNT_SID
    assert server["spec"] | _WANTED == server["spec"]
    assert server["spec"]["url"] == stage.evolution.url


async def test_tenants_become_ready_on_the_environments_objects(empty_stage: Stage) -> None:
    stage = empty_stage
    await stage.start_operator(_environment(stage))
    # Only the address of the fake is not in the environment: Twilio has one for everybody.
    await stage.api.merge_patch(PHONE_PROVIDERS, "default", {"spec": {"apiBaseURL": stage.telephony.url}})

    await stage.apply_tenants("bakery")

    [status] = await stage.ready("bakery")
    assert status["phoneNumber"]["provider"] == "default"
    assert status["instance"]["server"] == "default"


async def test_a_changed_variable_reaches_the_object_at_the_next_start(empty_stage: Stage) -> None:
    stage = empty_stage
    operator = await stage.start_operator(_environment(stage))
    await operator.stop()

    await stage.start_operator(_environment(stage) | {"EVOLUTION_MAX_INSTANCES_PER_SERVER": "7"})

    server = await stage.api.get(EVOLUTION_SERVERS, "default")
    assert server is not None
    assert server["spec"]["maxInstances"] == 7


async def test_what_something_else_manages_is_never_overwritten(empty_stage: Stage) -> None:
    stage = empty_stage
    await stage.apply(
        objects.phone_provider(stage.telephony.url, name="default", countries=["LV"]),
        objects.evolution_server(stage.evolution.url, name="default", maxInstances=3),
    )

    await stage.start_operator(_environment(stage) | {"EVOLUTION_API_URL": "http://127.0.0.1:9"})

    provider = await stage.api.get(PHONE_PROVIDERS, "default")
    server = await stage.api.get(EVOLUTION_SERVERS, "default")
    assert provider is not None
    assert server is not None
    assert provider["spec"]["countries"] == ["LV"]
    assert (server["spec"]["url"], server["spec"]["maxInstances"]) == (stage.evolution.url, 3)


async def test_nothing_is_made_of_half_an_environment(empty_stage: Stage) -> None:
    stage = empty_stage

    await stage.start_operator({"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "EVOLUTION_API_URL": stage.evolution.url})

    assert await stage.api.get(PHONE_PROVIDERS, "default") is None
    assert await stage.api.get(EVOLUTION_SERVERS, "default") is None


_WANTED: dict[str, Any] = {
    "maxInstances": 500,
    "sessionTimeout": "3600s",
    "defaultWebhook": "http://127.0.0.1:9/webhook/evolution",
}


def _environment(stage: Stage) -> dict[str, str]:
    return {
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "EVOLUTION_API_URL": f"{stage.evolution.url}/",
        "EVOLUTION_API_KEY": API_KEY,
        "EVOLUTION_DEFAULT_WEBHOOK": "http://127.0.0.1:9/webhook/evolution",
        "EVOLUTION_MAX_INSTANCES_PER_SERVER": "500",
        "EVOLUTION_SESSION_TIMEOUT": "3600000",
        "EVOLUTION_RATE_LIMIT_PER_INSTANCE": "1000",
    }
