"""One pass over one tenant: the object as last written, what it asks for, and what it works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.reconcile.context import Context
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.observed import TenantObserved
from controller.reconcile.tenant_object import Tenant


@dataclass(slots=True)
class Run:
    """`tenant` is replaced by the API server's answer at every write of ours, so that the next one carries the
    newest resourceVersion, also when something failed in between. `done` collects what was done, for people.
    """

    tenant: Tenant
    desired: DesiredTenant
    context: Context
    observed: TenantObserved
    done: list[str] = field(default_factory=list)

    async def patch_status(self, patch: Mapping[str, Any]) -> None:
        """Write a part of status now. Raises `ObjectChangedError`."""
        self.tenant = await self.context.tenants.patch_status(self.tenant, patch)
