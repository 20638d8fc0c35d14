"""What a tenant names is missing, or wrong: a condition says so, and it goes on by itself once it is mended."""

from tests.operator import objects
from tests.operator.eventually import eventually
from tests.operator.stage import Stage


async def test_a_missing_secret_is_noticed_when_it_appears(stage: Stage) -> None:
    hook = {"url": "http://127.0.0.1:9/hook", "authSecretRef": {"name": "hook", "key": "authorization"}}
    await stage.start_operator()
    await stage.apply_tenants("bakery", webhook=hook)
    await stage.apply_tenants("florist")

    message = await stage.not_ready("bakery", "SecretNotFound")
    assert f"{stage.namespace}/hook" in message
    assert "authorization" in message
    await stage.ready("florist")

    await stage.apply(objects.secret(stage.namespace, "hook", authorization="Bearer of-the-platform"))
    [status] = await stage.ready("bakery")
    instance = (await stage.evolution.instances())[status["instance"]["name"]]
    assert instance["webhook"]["headers"]["authorization"] == "Bearer of-the-platform"


async def test_a_changed_secret_is_written_to_the_webhook(stage: Stage) -> None:
    hook = {"url": "http://127.0.0.1:9/hook", "authSecretRef": {"name": "hook", "key": "authorization"}}
    await stage.apply(objects.secret(stage.namespace, "hook", authorization="Bearer first"))
    await stage.start_operator()
    await stage.apply_tenants("bakery", webhook=hook)
    [status] = await stage.ready("bakery")

    await stage.apply(objects.secret(stage.namespace, "hook", authorization="Bearer second"))

    async def is_rotated() -> bool:
        instance = (await stage.evolution.instances())[status["instance"]["name"]]
        return bool(instance["webhook"]["headers"]["authorization"] == "Bearer second")

    await eventually(is_rotated)


async def test_an_unknown_provider_is_noticed_when_it_is_created(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants(
        "bakery", phoneNumber={"country": "LV", "type": "Mobile", "providerRef": {"name": "twilio-lv"}}
    )
    await stage.apply_tenants("florist")

    assert "twilio-lv" in await stage.not_ready("bakery", "ProviderNotFound")
    await stage.ready("florist")

    await stage.apply(objects.phone_provider(stage.telephony.url, name="twilio-lv"))
    [status] = await stage.ready("bakery")
    assert status["phoneNumber"]["provider"] == "twilio-lv"


async def test_an_unknown_server_is_noticed_when_it_is_created(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery", server="evolution-new")

    assert "evolution-new" in await stage.not_ready("bakery", "ServerNotFound")

    another = await stage.start_evolution()
    await stage.apply(objects.evolution_server(another.url, name="evolution-new"))
    [status] = await stage.ready("bakery")
    assert status["instance"]["server"] == "evolution-new"
    assert await stage.evolution.instances() == {}


async def test_tenants_may_come_before_provider_and_server(empty_stage: Stage) -> None:
    stage = empty_stage
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.not_ready("bakery", "ProviderNotFound")

    await stage.apply_fleet()

    await stage.ready("bakery")


async def test_a_country_without_numbers_is_asked_again_later(stage: Stage) -> None:
    await stage.telephony.control("POST", "inventory", {"LV": {"mobile": {"stock": 0}}})
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    assert "No Mobile number in LV" in await stage.not_ready("bakery", "NoNumberForSale")
    assert await stage.evolution.instances() == {}, "nothing is created for a tenant without its number"

    await stage.telephony.control("POST", "inventory", {"LV": {"mobile": {"stock": 10}}})
    stage.clock.advance(11 * 60)

    await stage.ready("bakery")


async def test_a_number_that_costs_too_much_is_not_bought(stage: Stage) -> None:
    await stage.telephony.control("POST", "prices", {"LV": {"mobile": "9.00"}})
    await stage.start_operator()
    number = {"country": "LV", "type": "Mobile", "maxMonthlyCost": [{"amount": "5.00", "currency": "USD"}]}
    await stage.apply_tenants("bakery", phoneNumber=number)

    assert "9.00 USD" in await stage.not_ready("bakery", "TooExpensive")
    assert await stage.telephony.charges() == []

    await stage.patch("bakery", {"phoneNumber": {"maxMonthlyCost": [{"amount": "9.00", "currency": "USD"}]}})
    [status] = await stage.ready("bakery")
    assert status["phoneNumber"]["monthlyCostText"] == "9.00 USD"
