"""The last look before what cannot be undone."""

from controller.reconcile.ports import ObjectChangedError
from controller.reconcile.run import Run
from controller.reconcile.tenant_object import Tenant


async def assert_still_wanted(run: Run) -> Tenant:
    """A quorum read: the same object at the same generation, not going away. Raises `ObjectChangedError`."""
    newest = await run.context.tenants.read(run.tenant.key)
    if (
        newest is None
        or newest.uid != run.tenant.uid
        or newest.generation != run.tenant.generation
        or newest.deleted_at is not None
    ):
        raise ObjectChangedError(f"{run.tenant.key} changed before what cannot be undone")
    return newest


async def assert_still_deleted(run: Run) -> None:
    """The same object, still going away. Raises `ObjectChangedError`."""
    newest = await run.context.tenants.read(run.tenant.key)
    if newest is None or newest.uid != run.tenant.uid or newest.deleted_at is None:
        raise ObjectChangedError(f"{run.tenant.key} changed before an irreversible act")
