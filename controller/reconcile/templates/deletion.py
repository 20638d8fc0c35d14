"""Message templates of a tenant that goes: they are the business account's and stay, unless all is to be deleted."""

from controller.api.business_tenant import InstanceDeletionPolicy
from controller.api.group import Kind
from controller.reconcile.brake import pass_brake
from controller.reconcile.cloud_api.credentials import meta_account
from controller.reconcile.run import Run
from controller.reconcile.still_wanted import assert_still_deleted
from controller.reconcile.templates.records import NOT_REMOVABLE
from controller.reconcile.verdict import Verdict


async def let_go_of_templates(run: Run) -> Verdict | None:
    """With deletionPolicy Delete remove what carries the tenant's prefix; None when that is done, else what it waits
    for. Raises `OutsideError`.
    """
    status, whatsapp = run.tenant.status, run.tenant.spec.whatsapp
    wanted = run.desired.instance
    if not status.templates or whatsapp is None or wanted is None or wanted.cloud_api is None:
        return None
    if whatsapp.deletion_policy is not InstanceDeletionPolicy.DELETE:
        return None
    if wanted.cloud_api.phone_number_id is None or status.instance is None:
        return None
    async with meta_account(run.tenant.key, wanted.cloud_api, run.context) as account:
        for template in await account.templates():
            own = template.name.startswith(run.desired.owner.template_prefix)
            if not own or template.status in NOT_REMOVABLE:
                continue
            target = f"{template.name}/{template.language}"
            server = status.instance.server
            held_back = await pass_brake(Kind.EVOLUTION_SERVER, server, "DeleteTemplate", target, run)
            if held_back is not None:
                return held_back
            await assert_still_deleted(run)
            await account.delete_template(template.name, template.id)
            run.done.append(f"deleted template {target}")
    return None


def say_kept_templates(run: Run) -> None:
    """What stays at Meta is said once, when the tenant goes."""
    templates, whatsapp = run.tenant.status.templates, run.tenant.spec.whatsapp
    if not templates or whatsapp is None or whatsapp.deletion_policy is InstanceDeletionPolicy.DELETE:
        return
    what = "1 message template" if len(templates) == 1 else f"{len(templates)} message templates"
    run.done.append(f"kept {what} at Meta, where they belong to the business account")
