"""Events, probes and metrics."""

import re

from tests.operator.eventually import eventually
from tests.operator.outside import API_KEY, AUTH_TOKEN
from tests.operator.stage import Stage


async def test_events_read_like_sentences(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")
    number = status["phoneNumber"]["number"]

    async def said_ready() -> bool:
        return any(event["reason"] == "Ready" for event in await stage.events("bakery"))

    await eventually(said_ready)
    events = await stage.events("bakery")
    told = " ".join(event["message"] for event in events)
    assert f"Bought {number} at twilio" in told
    assert f"Live on {number} (twilio) and WhatsApp." in told
    for event in events:
        assert re.fullmatch(r"[A-Z].*[.]", event["message"]), event["message"]
        assert event["involvedObject"]["uid"] == (await stage.tenant("bakery"))["metadata"]["uid"]


async def test_what_stands_in_the_way_is_a_warning(stage: Stage) -> None:
    await stage.start_operator()
    await stage.apply_tenants(
        "bakery", phoneNumber={"country": "LV", "type": "Mobile", "providerRef": {"name": "nobody"}}
    )
    await stage.not_ready("bakery", "ProviderNotFound")

    async def warned() -> list[str]:
        events = await stage.events("bakery")
        return [e["message"] for e in events if (e["type"], e["reason"]) == ("Warning", "ProviderNotFound")]

    [message] = await eventually(warned)
    assert "Create it, or name another." in message


async def test_probes_and_metrics_answer(stage: Stage) -> None:
    operator = await stage.start_operator()
    await stage.apply_tenants("bakery")
    await stage.ready("bakery")

    assert (await stage.probe(operator, "healthz")).text == "ok"
    assert (await stage.probe(operator, "readyz")).text == "ok"
    metrics = (await stage.probe(operator, "metrics")).text
    assert re.search(r'tenant_operator_reconcile_seconds_count\{result="done"\} [1-9]', metrics)
    assert 'tenant_operator_queue_depth{queue="tenants",state="running"}' in metrics
    assert 'operation="' in metrics
    with_name = {line.partition("{")[0] for line in metrics.splitlines() if "bakery" in line}
    assert with_name == {"tenant_operator_tenant_session_seconds_total"}, (
        "no other label grows with the tenants"
    )


async def test_no_credential_is_seen_anywhere(stage: Stage) -> None:
    operator = await stage.start_operator()
    await stage.apply_tenants("bakery")
    [status] = await stage.ready("bakery")

    token = await stage.instance_token("bakery")
    seen = f"{status} {await stage.events('bakery')} {(await stage.probe(operator, 'metrics')).text}"
    for credential in (AUTH_TOKEN, API_KEY, token):
        assert credential not in seen
