"""Bots of the fake Evolution answer as those of a real 2.3.7."""

import pytest

from .evolution_replay import AT_THE_BEGINNING, Replay

KINDS = ("dify", "evoai", "evolutionBot", "flowise", "n8n", "typebot")
LIFE_OF_A_BOT = (
    "create-missing create create-identical create-second-all create-keyword find fetch update-partial update "
    "fetchSettings settings changeStatus fetchSessions ignoreJid delete-used-as-fallback fetch-after-delete"
)

OPENAI = (
    "openai-creds-missing openai-creds-create openai-creds-dup-key-other-instance "
    "openai-creds-dup-name-other-instance openai-creds-dup-name-same-instance openai-creds-find "
    "openai-fetchSettings-default openai-create-missing openai-create-bad-creds openai-create-no-model "
    "openai-create-assistant-no-id openai-create openai-create-dup-same-model openai-create-second-all "
    "openai-create-keyword-without-operator openai-create-keyword openai-create-keyword-dup openai-find "
    "openai-fetch openai-fetch-other-instance openai-fetch-missing openai-update-partial openai-update-missing "
    "openai-update openai-settings openai-settings-fallbackId openai-fetchSettings "
    "openai-settings-creds-of-other openai-changeStatus openai-changeStatus-closed openai-fetchSessions "
    "openai-ignoreJid openai-getModels-unreachable openai-delete-creds-in-use openai-find-after-creds-delete "
    "openai-delete openai-delete-again"
)

RECORDINGS = {f"{kind}-{step}" for kind in KINDS for step in LIFE_OF_A_BOT.split()} | set(OPENAI.split())


@pytest.mark.parametrize("kind", KINDS)
async def test_life_of_a_bot(replay: Replay, kind: str):
    await replay.before(AT_THE_BEGINNING)

    await replay.same(*(f"{kind}-{step}" for step in LIFE_OF_A_BOT.split()))


async def test_openai_with_its_credentials(replay: Replay):
    await replay.before(AT_THE_BEGINNING)

    await replay.same(*OPENAI.split())
