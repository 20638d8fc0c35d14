"""Settings, webhooks, Chatwoot, proxy and other ways out, messages: the fake answers as a real 2.3.7."""

import pytest

from .evolution_replay import AT_THE_BEGINNING, Replay

ON_ITS_OWN = """
settings-find settings-find-min settings-set settings-set-long-msgcall settings-set-partial settings-set-wavoip
webhook-find webhook-find-none webhook-set-bad-event webhook-set-flat-body webhook-set-no-events
chatwoot-set-bad proxy-find-none proxy-set-disabled proxy-set-port-number proxy-set-unreachable
rabbitmq-find-disabled-server rabbitmq-set-disabled-server sqs-find-disabled-server websocket-find websocket-set
inbound-evolution inbound-evolution-unknown numbers-biz-1 numbers-evo-min numbers-wa-1 sendText-baileys-closed
sendText-evolution sendText-missing-text sendText-number-int sendText-unknown sendText-v1-body
sendText-v1-textMessage
"""
IN_ORDER = {
    "webhook": (
        "webhook-set webhook-set-bad-url webhook-set-empty-url webhook-set-jwt webhook-find-after "
        "webhook-set-disable webhook-set-partial-keeps-fields"
    ),
    "settings": "settings-set settings-set-wavoip settings-find-after-set",
    "chatwoot": "chatwoot-find-none chatwoot-set chatwoot-find chatwoot-set-disable",
    "proxy": "proxy-set-disabled proxy-find-after-disable",
    "chats": "sendText-evolution inbound-evolution findChats",
}
RECORDINGS = {name for names in (ON_ITS_OWN, *IN_ORDER.values()) for name in names.split()}


@pytest.mark.parametrize("name", ON_ITS_OWN.split())
async def test_answers_as_recorded(replay: Replay, name: str):
    await replay.before(AT_THE_BEGINNING)

    await replay.same(name)


@pytest.mark.parametrize("names", IN_ORDER.values(), ids=IN_ORDER)
async def test_answers_a_sequence_as_recorded(replay: Replay, names: str):
    await replay.before(AT_THE_BEGINNING)

    await replay.same(*names.split())
