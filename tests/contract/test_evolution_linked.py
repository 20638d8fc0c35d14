"""WHATSAPP-BAILEYS linked, lost and out of reach: the fake Evolution answers as a real 2.3.7 with a real socket."""

from dataclasses import replace

import pytest

from .evolution_replay import AT_THE_BEGINNING, QUICK, Replay, replaying

OPEN = """
fakewa-connect-open fakewa-fetch-open fakewa-fetchBusinessProfile fakewa-presence fakewa-privacy-fetch
fakewa-privacy-update fakewa-profile-name fakewa-profile-status fakewa-restart-open fakewa-sendText
fakewa-sendText-cus fakewa-sendText-number-not-on-whatsapp fakewa-settings-set fakewa-state-open
fakewa-whatsappNumbers fakewa-logout-open fakewa-delete-open
"""
CONNECTING = """
fakewa-create-baileys-qrcode fakewa-connect-qr fakewa-connect-number-ignored fakewa-state-connecting
fakewa-fetch-connecting
"""
LOGGED_OUT = """
fakewa-logout-open fakewa-state-after-logout-open fakewa-state-after-logout-open-1s fakewa-fetch-after-logout-open
fakewa-logout-again fakewa-delete-closed
"""
UNLINKED = "fakewa-state-after-unlink fakewa-fetch-after-unlink fakewa-connect-after-unlink"
PAIRED_BY_CODE = """
fakewa-logout-connecting fakewa-state-after-logout fakewa-fetch-after-logout fakewa-connect-pairing-code
fakewa-connect-pairing-code-2 fakewa-restart-connecting fakewa-state-after-restart-connecting
"""
DELETED = "fakewa-delete-connecting fakewa-state-after-delete"
QR_LIMIT = "fakewa-state-after-qr-limit fakewa-fetch-after-qr-limit fakewa-connect-after-qr-limit"
OUTAGE = "fakewa-state-outage fakewa-fetch-outage fakewa-send-outage fakewa-restart-outage"
RECONNECT_LOOP = """
connect-baileys-unreachable connect-baileys-again connect-baileys-number fetchInstances-baileys-connecting
sendText-baileys-connecting
"""
LOOP_CLOSE = """
state-baileys-connecting-0 logout-baileys-connecting restart-baileys-connecting state-baileys-after-logout-2s
"""
LOOP_DELETED = "delete-baileys-in-reconnect-loop state-after-delete-2 fetchInstances-after-delete"
OTHERS = """
fakewa-state-after-restart fakewa-state-after-drop fakewa-logout-outage state-baileys-after-logout metrics-connecting
fakewa-metrics-open
"""
RECORDINGS = {
    name
    for names in (
        OPEN,
        CONNECTING,
        LOGGED_OUT,
        UNLINKED,
        PAIRED_BY_CODE,
        DELETED,
        QR_LIMIT,
        OUTAGE,
        RECONNECT_LOOP,
        LOOP_CLOSE,
        LOOP_DELETED,
        OTHERS,
    )
    for name in names.split()
}


async def scan(replay: Replay) -> None:
    """The phone of `wa-qr` scans its code."""
    await replay.control("instances/wa-qr/scan", {"number": "5511990000005", "profileName": "Loja"})
    await replay.until("wa-qr", "open")


@pytest.mark.parametrize("name", OPEN.split())
async def test_answers_for_a_linked_instance(replay: Replay, name: str):
    await replay.link("wa-qr", "5511990000005", "Loja")
    for other in ("wa-r", "wao-000", "wao-001"):
        await replay.link(other, "5511660000000", other)
    await replay.control("whatsapp", {"unknownNumbers": ["5511990000000"]})

    await replay.same(name)


async def test_connecting(replay: Replay):
    await replay.same(*CONNECTING.split())


async def test_restart_of_an_open_instance(replay: Replay):
    await replay.link("wa-r", "5511660000000", "wa-r")

    await replay.same("fakewa-restart-open")
    await replay.until("wa-r", "open")
    await replay.same("fakewa-state-after-restart")


async def test_logout(replay: Replay):
    await replay.link("wao-000", "5511660000000", "wao-000")
    await replay.control("instances/wao-000/counts", {"messages": 1})

    await replay.same(*LOGGED_OUT.split())


async def test_unlinked_by_the_phone_and_paired_again_by_code(request: pytest.FixtureRequest):
    pace = replace(QUICK, restart_takes=0.5)
    async with replaying(request.node.user_properties, pace=pace) as replay:
        await replay.before(("fakewa-create-baileys-qrcode",))
        await scan(replay)
        await replay.before(("fakewa-settings-set",))
        await replay.control("instances/wa-qr/counts", {"messages": 2})
        await replay.control("instances/wa-qr/close", {"code": 401})

        await replay.same(*UNLINKED.split(), *PAIRED_BY_CODE.split())
        await replay.until("wa-qr", "connecting")
        await replay.same("fakewa-delete-connecting")
        await replay.gone("wa-qr")
        await replay.same("fakewa-state-after-delete")


async def test_codes_run_out(request: pytest.FixtureRequest):
    pace = replace(QUICK, qr_lifetime=0.1, qr_limit=2)
    async with replaying(request.node.user_properties, pace=pace) as replay:
        await replay.create("wa-lim", "WHATSAPP-BAILEYS")
        await replay.client.get("/instance/connect/wa-lim", headers={"apikey": "global-key"})
        await replay.until("wa-lim", "close")

        await replay.same(*QR_LIMIT.split())


async def test_a_drop(request: pytest.FixtureRequest):
    async with replaying(request.node.user_properties, pace=replace(QUICK, reconnect_after=0.5)) as replay:
        await replay.link("wa-qr", "5511990000005", "Loja")
        await replay.control("instances/wa-qr/close", {"code": 408})

        await replay.same("fakewa-state-after-drop")


async def test_an_outage(replay: Replay):
    await replay.before(("fakewa-create-baileys-qrcode",))
    await scan(replay)
    await replay.link("wao-000", "5511660000000", "wao-000")
    await replay.control("instances/wao-000/counts", {"messages": 1})
    await replay.control("whatsapp", {"reachable": False})

    await replay.same(*OUTAGE.split())


async def test_the_state_flaps_during_an_outage(request: pytest.FixtureRequest):
    # Half of this long closed, half of it connecting: enough to ask in the wanted half.
    async with replaying(request.node.user_properties, pace=replace(QUICK, flap_every=1.0)) as replay:
        await replay.link("wa-qr", "5511990000005", "Loja")
        await replay.before(("create-baileys-noqr",))
        await replay.control("whatsapp", {"reachable": False, "flapping": True})

        await replay.until("wa-qr", "close")
        await replay.same("fakewa-logout-outage")

        await replay.same(*RECONNECT_LOOP.split())
        await replay.until("wa-1", "close")
        await replay.same(*LOOP_CLOSE.split())
        await replay.until("wa-1", "connecting")
        await replay.same("state-baileys-after-logout")

        await replay.same("delete-baileys-in-reconnect-loop")
        await replay.gone("wa-1")
        await replay.same("state-after-delete-2", "fetchInstances-after-delete")


async def test_metrics_of_a_connecting_instance(replay: Replay):
    await replay.control("whatsapp", {"reachable": False})
    await replay.before(
        (
            "create-empty-name",
            *AT_THE_BEGINNING,
            "create-business-qrcode-true",
            "create-duplicate-token",
            "create-business-bad-graph-token",
            "logout-business",
            "connect-baileys-unreachable",
        )
    )

    await replay.same_metrics("metrics-connecting")


async def test_metrics_after_a_restart_of_the_server(replay: Replay):
    await replay.before(
        (
            "create-evolution-full",
            "create-business",
            "create-business-qrcode-true",
            "create-business-bad-graph-token",
            "logout-business",
            "fakewa-create-baileys-qrcode",
        )
    )
    await replay.control("restart", {})
    await replay.until("wa-qr", "connecting")

    await replay.same_metrics("fakewa-metrics-open")
