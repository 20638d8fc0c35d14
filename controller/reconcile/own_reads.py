"""Reads of one tenant's own number and instance, where the lists that would show them are still to come."""

from typing import Final

from controller.providers.errors import OutsideError
from controller.reconcile.next_look import ON_CHANGE, NextLook
from controller.reconcile.run import Run

# Accounts and servers are connected to at once when shards are acquired; their lists take longer.
CONNECTED_SOON: Final = NextLook(0.2)


async def read_own(run: Run, *, number: bool, instance: bool) -> NextLook | None:
    """Put what the status records into the snapshots, as it is now; None when it is there.

    Only what is recorded and found is read so. Whether something is missing, or for sale, only lists can tell.
    """
    try:
        ends = (await _read_number(run) if number else None) or (
            await _read_instance(run) if instance else None
        )
    except OutsideError:
        return ON_CHANGE  # the lists say what is wrong, and bring it back here
    return ends


async def _read_number(run: Run) -> NextLook | None:
    recorded, context = run.tenant.status.phone_number, run.context
    if recorded is None or recorded.number is None or recorded.purchase is not None:
        return ON_CHANGE
    account = context.fleet.accounts.get(recorded.provider or "")
    if account is None or account.client is None:
        return ON_CHANGE if account is None else CONNECTED_SOON
    owned = await account.client.find_owned(recorded.number)
    if owned is None:
        return ON_CHANGE
    account.listed.record(recorded.number, owned, context.clock.now())
    return None


async def _read_instance(run: Run) -> NextLook | None:
    recorded, context = run.tenant.status.instance, run.context
    server = context.fleet.servers.get(recorded.server) if recorded is not None else None
    if recorded is None or server is None:
        return ON_CHANGE
    if server.client is None:
        return CONNECTED_SOON
    row = await server.client.instance(recorded.name)
    if row is None:
        return ON_CHANGE
    server.instances.listed.record(row.name, row, context.clock.now())
    return None
