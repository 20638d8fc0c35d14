from collections import Counter
from pathlib import Path

from controller.runtime.manifests import read_manifests
from tests.operator.stage import Stage

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"


async def test_the_samples_become_ready(stage: Stage) -> None:
    samples = [
        body | {"metadata": body["metadata"] | {"namespace": stage.namespace}}
        for body in read_manifests(SAMPLES)
        if body["kind"] in ("Secret", "BusinessTenant")
    ]
    names = [body["metadata"]["name"] for body in samples if body["kind"] == "BusinessTenant"]
    await stage.start_operator()

    await stage.apply(*samples)
    statuses = dict(zip(names, await stage.ready(*names), strict=True))

    numbers = {name: status["phoneNumber"]["number"] for name, status in statuses.items()}
    assert len(numbers) == 9
    assert Counter(await stage.telephony.charges()) == Counter(numbers.values()), "each was bought once"
    instances = await stage.evolution.instances()
    owned = await stage.telephony.numbers()
    for body in samples:
        if body["kind"] != "BusinessTenant":
            continue
        name, ai = body["metadata"]["name"], body["spec"]["ai"]
        instance = instances[statuses[name]["instance"]["name"]]
        assert instance["live"] == "open"
        assert instance["ownerJid"].startswith(numbers[name].removeprefix("+"))
        assert instance["profileName"] == body["spec"]["business"]["name"]
        assert instance["profileStatus"] == body["spec"]["business"]["about"]
        assert instance["webhook"]["enabled"]
        expected = ai.get("webhook", {}).get("url", f"{stage.evolution.url}/_sandbox/platform")
        assert instance["webhook"]["url"] == expected
        assert owned[numbers[name]]["voice_url"] == stage.told(ai["voice"]["url"], name)
        assert owned[numbers[name]]["sms_url"] == stage.told(ai["sms"]["url"], name)
