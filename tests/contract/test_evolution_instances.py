"""Keys, creating, listing and deleting instances: the fake Evolution answers as a real 2.3.7."""

import pytest

from .evolution_replay import AT_THE_BEGINNING, GLOBAL_KEY, Replay, recorded, replaying
from .recordings import stable

ON_ITS_OWN = """
auth-bearer-header-ignored auth-nokey auth-wrongkey auth-token-create auth-token-other-state
auth-token-own-state connect-business-open connect-evolution-open create-bad-integration create-bad-json
create-bad-number create-bad-types create-business-no-number create-business-no-token
create-business-qrcode-true create-duplicate create-duplicate-token create-empty-name create-long-name
create-missing-integration create-no-name create-webhook-no-events create-weird-name delete-missing
fetchInstances-by-id fetchInstances-by-missing-name fetchInstances-by-missing-number fetchInstances-by-name
fetchInstances-by-number fetchInstances-token fetchInstances-token-othername health-404 logout-baileys-closed
plan-create-shape plan-metrics-enable-404 plan-restart-put-404 plan-session-404 plan-setup-404 plan-status-404
presence-bad presence-biz-1 presence-evo-min presence-wa-1 privacy-fetch-biz-1 privacy-fetch-evo-min
privacy-fetch-wa-1 privacy-update-biz-1 privacy-update-evo-min privacy-update-wa-1 profile-business-biz-1
profile-business-evo-min profile-business-wa-1 profile-fetch-biz-1 profile-fetch-evo-min profile-fetch-wa-1
profile-name-biz-1 profile-name-evo-min profile-name-wa-1 profile-picture-biz-1 profile-picture-evo-min
profile-status-biz-1 profile-status-evo-min profile-status-wa-1 restart-baileys-closed restart-business
restart-evolution root-get state-baileys-new state-unknown state-unknown-nokey verify-creds-global
verify-creds-nokey
"""

IN_ORDER = {
    "weird name": "create-weird-name state-weird-name delete-weird-name",
    "the business channel closed": (
        "create-business-qrcode-true logout-business state-business-after-logout connect-business-closed "
        "state-business-after-connect restart-business-closed logout-business-again "
        "fetchInstances-business-after-logout sendText-business-closed"
    ),
    "bots go with their instance": "openai-creds-create openai-create delete-evo-min-with-openai",
}
"""Recordings that were made one after the other."""

FROM_NOTHING = {
    "beginning": "fetchInstances-empty metrics-empty create-no-name fetchInstances-after-noname",
    "race": "create-race-1 create-race-0 create-race-2 state-after-race",
    "made": " ".join(AT_THE_BEGINNING),
}
RECREATED = "create-while-deleting delete-while-deleting delete-missing"
OTHERS = """
delete-evolution delete-webhook-down create-right-after-delete state-after-recreate fetchInstances-after-failed-webhook
fetchInstances-all metrics state-business-after-server-restart webhook-event-remove-instance-fail500
"""
RECORDINGS = {
    name
    for names in (ON_ITS_OWN, *IN_ORDER.values(), *FROM_NOTHING.values(), RECREATED, OTHERS)
    for name in names.split()
    if not name.startswith("openai-")
}


@pytest.mark.parametrize("name", ON_ITS_OWN.split())
async def test_answers_as_recorded(replay: Replay, name: str):
    await replay.before(AT_THE_BEGINNING)

    await replay.same(name)


@pytest.mark.parametrize("names", IN_ORDER.values(), ids=IN_ORDER)
async def test_answers_a_sequence_as_recorded(replay: Replay, names: str):
    await replay.before(AT_THE_BEGINNING)

    await replay.same(*names.split())


@pytest.mark.parametrize("names", FROM_NOTHING.values(), ids=FROM_NOTHING)
async def test_answers_an_empty_server_gives(replay: Replay, names: str):
    await replay.same(*names.split())


async def test_deletion_takes_its_time(request: pytest.FixtureRequest):
    async with replaying(request.node.user_properties, delete_after=0.3) as replay:
        await replay.create("recreate")
        await replay.create("fast")

        await replay.same("delete-evolution", "create-while-deleting", "delete-while-deleting")
        await replay.client.delete("/instance/delete/fast", headers={"apikey": GLOBAL_KEY})
        await replay.same("create-right-after-delete")
        await replay.gone("recreate")
        await replay.gone("fast")

        await replay.same("delete-missing", "state-after-recreate")


async def test_deletion_waits_for_the_webhook_that_wants_to_know(replay: Replay):
    down = {"url": "http://127.0.0.1:9/fail500", "events": ["REMOVE_INSTANCE"]}
    await replay.create("del-slow", webhook=down)

    await replay.same("delete-webhook-down")

    await replay.gone("del-slow")
    newest = (await replay.client.get("/_sandbox/deliveries")).json()["newest"][-1]
    assert newest["event"] == "remove.instance"
    replay.count("webhook-event-remove-instance-fail500")


@pytest.mark.parametrize(
    ("name", "earlier", "refused"),
    [
        ("fetchInstances-after-failed-webhook", ("create-empty-name",), "create-webhook-no-events"),
        (
            "fetchInstances-all",
            ("create-empty-name", *AT_THE_BEGINNING, "create-business-qrcode-true"),
            "create-business-no-number",
        ),
    ],
)
async def test_a_failed_creation_is_listed_until_its_deletion_is_through(
    request: pytest.FixtureRequest, name: str, earlier: tuple[str, ...], refused: str
):
    async with replaying(request.node.user_properties, delete_after=60) as replay:
        await replay.before(earlier)
        await replay.same(refused)

        answer = await replay.client.get("/instance/fetchInstances", headers={"apikey": GLOBAL_KEY})

        # The database lists rows as it likes.
        assert _by_name(answer.json()) == _by_name(recorded(name).answer)
        replay.count(name)


@pytest.mark.parametrize("name", ["metrics"])
async def test_metrics_text_is_as_recorded(replay: Replay, name: str):
    await replay.before(
        (
            "create-empty-name",
            "create-evolution-min",
            "create-evolution-full",
            "create-business",
            "create-business-qrcode-true",
            "create-duplicate-token",
            "create-baileys-noqr",
        )
    )

    await replay.same_metrics(name)


async def test_a_server_restart_opens_the_business_channel_again(replay: Replay):
    await replay.before(("create-business-qrcode-true", "logout-business"))
    await replay.control("restart", {})
    await replay.until("biz-2", "open")

    await replay.same("state-business-after-server-restart")


def _by_name(rows: object) -> dict[object, object]:
    assert isinstance(rows, list)
    without_token = [{name: value for name, value in row.items() if name != "token"} for row in rows]
    return {row["name"]: stable(row) for row in without_token}
