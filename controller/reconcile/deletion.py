"""Letting a tenant go: what is irreplaceable is kept unless the spec says otherwise; nothing of others is touched."""

from collections.abc import Sequence

from controller.api.business_tenant import InstanceDeletionPolicy
from controller.api.business_tenant_status import NumberOrigin
from controller.api.common_fields import DeletionPolicy
from controller.api.conditions import Reason
from controller.api.group import Kind
from controller.providers.errors import NotFound, OutsideError
from controller.providers.evolution.protocol import Integration
from controller.reconcile.brake import pass_brake
from controller.reconcile.instance.observe import observe_instance
from controller.reconcile.instance.reach import close_webhook, reach, silence
from controller.reconcile.number import purchase
from controller.reconcile.number.apply import client_of, number_status, retain
from controller.reconcile.number.observe import is_active_mark_of, observe_number
from controller.reconcile.observed import InstanceObserved, NumberObserved
from controller.reconcile.ownership import Mark, MarkState
from controller.reconcile.ports import Announcement, EventType
from controller.reconcile.run import Run
from controller.reconcile.still_wanted import assert_still_deleted
from controller.reconcile.templates.deletion import let_go_of_templates, say_kept_templates
from controller.reconcile.verdict import Verdict

DELETION_POLL_SECONDS = 1.0


async def let_go(run: Run) -> Verdict | None:
    """Let go of number, templates and instance; None when all are, else what is waited for.

    All are tried in every pass: a provider that fails must not keep the instance talking.
    """
    verdicts = (await _number(run), await _templates(run), await _instance(run))
    waiting = next((verdict for verdict in verdicts if verdict is not None), None)
    if waiting is None:
        say_kept_templates(run)
    return waiting


async def _number(run: Run) -> Verdict | None:
    try:
        observed = await _resolved(run)
    except OutsideError as error:
        return _or_leave(error, "the purchase under way", run)
    if observed.accounts_not_listed:
        return _within_time(_not_listed_yet(observed.accounts_not_listed), "a number with its mark", run)
    if observed.recorded is None and observed.held is None:
        return None
    policy = run.tenant.spec.phone_number.deletion_policy if run.tenant.spec.phone_number else None
    if policy is DeletionPolicy.RELEASE:
        try:
            return await _release(observed, run)
        except OutsideError as error:
            return Verdict.failed(error)
    if observed.held is None:
        return _leave(observed, run)
    mark = Mark.parse(observed.held.owned.settings.label)
    if mark is not None and (not run.desired.owner.owns(mark) or mark.state is MarkState.RELEASED):
        return None  # somebody else's by now, or released already
    try:
        await retain(observed.held, run.desired.owner.label(MarkState.RELEASED), run)
    except NotFound:
        return None  # gone from the account: nothing to silence
    except OutsideError as error:
        return _or_leave(error, observed.held.owned.number, run)
    run.done.append(f"retained {observed.held.owned.number}")
    return None


async def _resolved(run: Run) -> NumberObserved:
    """The number, after an unfinished purchase was looked up (it may have cost money already), or after one
    that was taken back but not recorded was found by its mark.
    """
    observed = await observe_number(run.tenant, run.desired, run.context, buying=False)
    if observed.intent is not None:
        outcome = await purchase.finish(observed.intent, observed.monthly_cost, run)
        if isinstance(outcome, purchase.NotBought):
            return NumberObserved()
        # Recorded before it is let go of: with the purchase in status its claim would outlive the tenant.
        known = number_status(outcome, run.desired.number, NumberOrigin.PURCHASED, observed.monthly_cost)
        await run.patch_status({"phoneNumber": {**known.to_wire(), "purchase": None}})
        return NumberObserved(recorded=run.tenant.status.phone_number, held=outcome)
    active = [h for h in observed.found if is_active_mark_of(run.desired.owner, h.owned.settings.label)]
    return NumberObserved(held=active[0]) if active else observed


def _not_listed_yet(names: Sequence[str]) -> Verdict:
    return Verdict.waiting(Reason.RETAINING, f"No complete list yet of: {', '.join(names)}.")


def _leave(observed: NumberObserved, run: Run) -> Verdict | None:
    """The recorded number cannot be reached or is not listed."""
    recorded = observed.recorded
    number = recorded.number if recorded is not None else "the number"
    if observed.unreachable is not None and observed.unreachable.reason is not Reason.PROVIDER_NOT_FOUND:
        return _within_time(observed.unreachable, str(number), run)
    if observed.unreachable is None and not observed.loss_proven:
        wait = Verdict.waiting(Reason.RETAINING, f"Waiting for a complete list to find {number}.")
        return _within_time(wait, str(number), run)
    _say_left(str(number), run)
    return None


async def _release(observed: NumberObserved, run: Run) -> Verdict | None:
    """Give the number back for good. Never gives up by itself: the number goes on costing money."""
    held, recorded = observed.held, observed.recorded
    if held is None:
        if observed.loss_proven:
            return None  # it is gone already
        number = recorded.number if recorded is not None else "the number"
        return observed.unreachable or Verdict.waiting(
            Reason.RELEASING, f"Waiting for a complete list to find {number}."
        )
    client = client_of(held.account, run.context)
    # Irreversible: look at the provider itself, not at a snapshot, and only at what carries our own mark.
    owned = await client.find_owned(held.owned.number)
    if owned is None:
        return None
    if not run.desired.owner.owns(Mark.parse(owned.settings.label)):
        return Verdict.waiting(
            Reason.NEEDS_HUMAN,
            f"{owned.number} no longer carries this tenant's mark, so it is not released. Release it by hand if it is"
            " the tenant's, then set the deletionPolicy to Retain.",
        )
    held_back = await pass_brake(Kind.PHONE_PROVIDER, held.account, "ReleaseNumber", owned.number, run)
    if held_back is not None:
        return held_back
    await assert_still_deleted(run)
    await client.release(owned.id)
    run.context.fleet.accounts[held.account].listed.record(owned.number, None, run.context.clock.now())
    run.done.append(f"released {owned.number}")
    return None


async def _templates(run: Run) -> Verdict | None:
    try:
        return await let_go_of_templates(run)
    except OutsideError as error:
        # They cost nothing: a token that is gone, as with a whole namespace, must not keep the object for ever.
        return _or_leave(error, "its message templates at Meta", run)


async def _instance(run: Run) -> Verdict | None:
    observed = await observe_instance(run.tenant, run.desired, run.context)
    if observed.servers_not_listed:
        return _within_time(_not_listed_yet(observed.servers_not_listed), "an instance of this tenant", run)
    if observed.recorded is None and observed.row is None:
        return None
    name = (
        observed.row.name
        if observed.row
        else (observed.recorded.name if observed.recorded else "the instance")
    )
    whatsapp = run.tenant.spec.whatsapp
    delete = whatsapp is not None and whatsapp.deletion_policy is InstanceDeletionPolicy.DELETE
    if observed.row is None and observed.loss_proven:
        return None
    if observed.unreachable is not None or observed.row is None:
        gone = observed.unreachable is not None and observed.unreachable.reason is Reason.SERVER_NOT_FOUND
        if gone and not delete:
            _say_left(name, run)
            return None
        wait = observed.unreachable or Verdict.waiting(
            Reason.RETAINING, f"Waiting for a complete list to find {name}."
        )
        return wait if delete else _within_time(wait, name, run)
    try:
        if delete:
            return await _delete(observed, run)
        await silence(observed, run)
    except OutsideError as error:
        return Verdict.failed(error) if delete else _or_leave(error, name, run)
    run.done.append(f"retained instance {name}, silenced")
    return None


async def _delete(observed: InstanceObserved, run: Run) -> Verdict | None:
    server, client = reach(observed.server, run)
    row = await client.instance(observed.row.name) if observed.row is not None else None
    if row is None:
        if observed.row is not None:
            server.instances.listed.record(observed.row.name, None, run.context.clock.now())
            run.done.append(f"deleted instance {observed.row.name}")
        return None
    if row.owner_number is not None or row.integration == Integration.BUSINESS.value:
        # It was paired once: deleting it costs a new scan by a person. On the Cloud API it always was connected.
        held_back = await pass_brake(Kind.EVOLUTION_SERVER, server.name, "DeleteInstance", row.name, run)
        if held_back is not None:
            return held_back
    await assert_still_deleted(run)
    await close_webhook(observed, run)
    await client.delete(row.name)
    return Verdict.waiting(
        Reason.DELETING_INSTANCE,
        f"{server.name} is deleting {row.name}; it is looked for until it is gone.",
        after=DELETION_POLL_SECONDS,
    )


def _or_leave(error: OutsideError, what: str, run: Run) -> Verdict | None:
    return _within_time(Verdict.failed(error), what, run)


def _within_time(verdict: Verdict, what: str, run: Run) -> Verdict | None:
    """Keeping is tried for ten minutes; then the object goes, and an event says what was left as it was."""
    assert run.tenant.deleted_at is not None  # noqa: S101
    if run.context.clock.now() - run.tenant.deleted_at < run.context.policy.retain_timeout:
        return verdict
    _say_left(what, run)
    return None


def _say_left(what: str, run: Run) -> None:
    message = (
        f"{what} could not be reached, so it was left as it is; applying the tenant again takes it back."
    )
    run.context.events.record(run.tenant, Announcement(EventType.WARNING, "LeftBehind", message))
