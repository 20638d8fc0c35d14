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
    `opening` is what a tenant's very first status says beside the part that is written: no status goes without
    conditions, also one that is written in the middle of a pass.
    """

    tenant: Tenant
    desired: DesiredTenant
    context: Context
    observed: TenantObserved
    opening: Mapping[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    async def patch_status(self, patch: Mapping[str, Any]) -> None:
        """Write a part of status now. Raises `ObjectChangedError`."""
        first = self.opening if self.tenant.status.conditions is None else {}
        self.tenant = await self.context.tenants.patch_status(self.tenant, {**first, **patch})
