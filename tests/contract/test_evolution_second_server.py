"""Two servers on one database: the fake's answers for an instance of the other one, and of its ghost."""

import pytest

from controller.sandbox.fakes.evolution.state import Database

from .evolution_replay import GLOBAL_KEY, replaying

ON_THE_SECOND = """
second-server-fetch-all second-server-create second-server-create-same-name second-server-fetch-of-other
second-server-state-of-other second-server-connect-of-other second-server-restart-of-other
second-server-logout-of-other second-server-send-of-other second-server-settings-find-of-other
second-server-settings-set-of-other second-server-webhook-find-of-other second-server-webhook-set-of-other
second-server-openai-find-of-other second-server-token-of-other second-server-delete-of-other
"""
ON_THE_FIRST = """
first-server-fetch-all-hides-b first-server-fetch-after-foreign-delete first-server-state-after-foreign-delete
first-server-settings-set-after-foreign-delete first-server-create-after-foreign-delete first-server-delete-ghost
"""
RECORDINGS = {*ON_THE_SECOND.split(), *ON_THE_FIRST.split()}


async def test_two_servers_on_one_database(request: pytest.FixtureRequest):
    database, properties = Database(), request.node.user_properties
    async with (
        replaying(properties, database=database) as first,
        replaying(properties, database=database, client_name="second") as second,
    ):
        await first.before(("create-evolution-full", "create-duplicate-token"))
        await first.client.post(
            "/openai/creds/evo-full",
            json={"name": "evo-full-main", "apiKey": "sk-test-0004"},
            headers={"apikey": GLOBAL_KEY},
        )

        await second.same(*ON_THE_SECOND.split())
        await first.same(*ON_THE_FIRST.split())
