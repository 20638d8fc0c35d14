"""Instances on the Cloud API: made of ids and a token of Meta's, none of which Evolution can change afterwards."""

from dataclasses import replace

from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.providers.errors import Retryable
from controller.providers.evolution.protocol import Integration, NewInstance
from controller.reconcile.brake import pass_brake
from controller.reconcile.cloud_api.credentials import access_token
from controller.reconcile.cloud_api.desired import DesiredCloudAPI
from controller.reconcile.cloud_api.observe import differing
from controller.reconcile.desired import DesiredInstance
from controller.reconcile.instance.reach import reach, silence
from controller.reconcile.observed import InstanceObserved
from controller.reconcile.run import Run
from controller.reconcile.still_wanted import assert_still_wanted


async def new_business_instance(
    name: str, wanted: DesiredInstance, cloud_api: DesiredCloudAPI, run: Run
) -> NewInstance:
    """What it is created with. Its token is Meta's. Raises `Terminal` without the Secret."""
    return NewInstance(
        name=name,
        integration=Integration.BUSINESS,
        token=await access_token(run.tenant.key, cloud_api, run.context),
        number=cloud_api.phone_number_id or "",
        business_id=cloud_api.business_account_id,
        settings=wanted.behaviour,
    )


async def make_way(observed: InstanceObserved, run: Run) -> InstanceObserved | None:
    """Delete the instance, so that another of its name can be created; None when that may be done now.

    Else how it is: held back by the brake, or made anew already. Only for a token that Meta has just accepted.
    Raises `Retryable` while the server still deletes.
    """
    server, client = reach(observed.server, run)
    wanted, row, meta = run.desired.instance, observed.row, observed.meta
    assert wanted is not None and wanted.cloud_api is not None and row is not None and meta is not None  # noqa: S101, PT018
    token = await access_token(run.tenant.key, wanted.cloud_api, run.context)
    there = await client.instance(row.name)
    if there is None:
        return None
    if not differing(wanted.cloud_api, token, there):
        server.instances.listed.record(there.name, there, run.context.clock.now())
        there = replace(there, owner_number=row.owner_number)
        return replace(observed, row=there, meta=replace(meta, differing=()))
    held_back = await pass_brake(Kind.EVOLUTION_SERVER, server.name, "ReplaceInstance", row.name, run)
    if held_back is not None:
        return replace(observed, meta=replace(meta, held_back=held_back))
    await assert_still_wanted(run)
    # The server delivers a last event before it deletes, for 25 minutes if the receiver is down (measured).
    await silence(observed, run)
    await client.delete(row.name)
    if await client.instance(row.name) is not None:
        raise Retryable(
            f"{server.name} is deleting {row.name}, to have it created anew.",
            reason=Reason.CREATING,
            after=1.0,
        )
    server.instances.listed.record(row.name, None, run.context.clock.now())
    return None
