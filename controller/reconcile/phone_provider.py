"""One pass over a PhoneProvider: credentials, one complete list of its numbers, its tenants woken, its status."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from controller.api.conditions import Reason
from controller.api.phone_provider import OrphanNumber, PhoneProviderSpec, Spending
from controller.providers.errors import OutsideError
from controller.reconcile.context import Context
from controller.reconcile.fingerprint import fingerprint
from controller.reconcile.fleet import PhoneAccount
from controller.reconcile.fleet_object import FleetObject, ready_conditions
from controller.reconcile.next_look import ON_CHANGE, BackOff, NextLook
from controller.reconcile.number.account_figures import gather_figures, recount_spending
from controller.reconcile.number.budget import frees_room
from controller.reconcile.ownership import Mark
from controller.reconcile.ports import MissingSecretKeyError, ObjectChangedError
from controller.reconcile.serving import goes_now, poll_delay, poll_interval
from controller.reconcile.status import status_patch
from controller.reconcile.timestamps import stamp
from controller.reconcile.verdict import Verdict

ORPHANS_SHOWN: Final = 256

Provider = FleetObject[PhoneProviderSpec]


async def reconcile_phone_provider(provider: Provider, context: Context, back_off: BackOff) -> NextLook:
    """Look at the account once, and say what was found."""
    name = provider.key.name
    account = context.fleet.accounts.setdefault(name, PhoneAccount(name, provider.spec))
    edited = account.spec != provider.spec
    account.spec, account.deleting = provider.spec, provider.deleted_at is not None
    try:
        serving = bool(context.tenant_index.on_account(name))
        writes = context.shards.holds(provider.key)
        if writes and await goes_now(provider, context.fleet_objects, serving=serving):
            forget_phone_provider(name, context)
            return ON_CHANGE
        before, began_before, made_of = account.problem, account.listed.began_at, account.made_of
        account.spending = recorded = _recorded_spending(provider)
        verdict = await _connect(provider, account, context) or await _look(account, context)
        account.problem = None if verdict.ready else verdict
        turned = edited or made_of != account.made_of or (before is None) != (account.problem is None)
        account.turns += turned
        first = account.listed.crossed(context.shards.newest_acquisition(), began_before)
        _wake_tenants(account, context, first=first, turned=turned or frees_room(recorded, account.spending))
        if writes:
            await _report(provider, account, verdict, context)
    except ObjectChangedError:
        return NextLook(1.0)
    poll = poll_interval(provider.spec.poll_interval, context.policy.number_poll_interval)
    return NextLook(poll_delay(provider, verdict, poll, back_off))


def forget_phone_provider(name: str, context: Context) -> None:
    """The object is gone: its tenants say so, and nothing new is bought there."""
    context.fleet.accounts.pop(name, None)
    context.wake.wake({*context.tenant_index.on_account(name), *context.tenant_index.unsettled()})


async def _connect(provider: Provider, account: PhoneAccount, context: Context) -> Verdict | None:
    """Have a client with the credentials as they are now; None when there is one."""
    secret_name, namespace = provider.spec.credentials_secret_name, context.policy.operator_namespace
    if secret_name is None:
        block = provider.spec.type.value.lower()
        return Verdict.waiting(Reason.INVALID_SPEC, f"spec.{block} is missing. Add the account.")
    version = context.secrets.version(namespace, secret_name)
    made_of = _made_of(provider.spec, version)
    if account.client is not None and account.made_of == made_of:
        return None
    await _drop_client(account)
    secret = await context.secrets.read(namespace, secret_name)
    if secret is None:
        return Verdict.waiting(
            Reason.SECRET_NOT_FOUND,
            f"Secret {namespace}/{secret_name} does not exist. Create it with the account's credentials.",
        )
    try:
        account.client = context.clients.telephony(account.name, provider.spec, secret)
    except MissingSecretKeyError as error:
        return Verdict.waiting(Reason.SECRET_NOT_FOUND, f"{error} It is in namespace {namespace}.")
    account.made_of = made_of
    return None


def _made_of(spec: PhoneProviderSpec, version: str | None) -> str:
    return fingerprint([spec.to_wire(), version])


async def _drop_client(account: PhoneAccount) -> None:
    if account.client is not None:
        client, account.client = account.client, None
        await client.close()


async def _look(account: PhoneAccount, context: Context) -> Verdict:
    """One complete list, and what is gathered beside it; a failed list is never a snapshot."""
    client = account.client
    assert client is not None  # noqa: S101  # _connect made it
    began_at = context.clock.now()
    try:
        # Asked only at first and while something is wrong: a healthy account costs one list a poll.
        doubtful = not account.listed.proven or account.problem is not None
        problem = await client.account_problem() if doubtful else None
        numbers = await client.owned_numbers()
    except OutsideError as error:
        return Verdict.failed(error)
    if problem is not None:
        return Verdict.failed(problem)
    changed = account.listed.put_numbers(began_at, numbers)
    await gather_figures(account, client, context)
    if account.listed.complete_lists > 1:
        _wake_owners(account, changed, context)
    return Verdict.good(Reason.AVAILABLE, f"{len(account.listed.rows)} numbers listed.")


def _wake_owners(account: PhoneAccount, changed: frozenset[str], context: Context) -> None:
    """Tenants whose numbers appeared, changed or went since the list before, and those that wait for one by name."""
    index = context.tenant_index
    keys = {find(number) for number in changed for find in (index.holding_number, index.first_naming_number)}
    for number in changed:
        owned = account.listed.get(number)
        mark = Mark.parse(owned.settings.label) if owned is not None else None
        if mark is not None and mark.cluster_id == context.policy.cluster_id:
            keys.add(index.by_hash(mark.tenant_hash))
    context.wake.wake(key for key in keys if key is not None)


def _wake_tenants(account: PhoneAccount, context: Context, *, first: bool, turned: bool) -> None:
    """Everybody who waits for this account, when it was edited, became usable, failed, or was listed first."""
    if not first and not turned:
        return
    context.wake.wake(
        {*context.tenant_index.on_account(account.name), *context.tenant_index.unsettled()}, first_lists=first
    )


async def _report(provider: Provider, account: PhoneAccount, verdict: Verdict, context: Context) -> None:
    if provider.spec.budget is None or not account.listed.proven:
        await _write_status(provider, provider.resource_version, account, verdict, context)
        return
    # Purchases enter themselves into the same status: with our own workers we take turns, and count on the newest.
    async with account.spending_turn:
        entry = await context.spending_ledger.spending(account.name)
        if entry is not None:
            version, newest = entry
            account.spending = newest
            recount_spending(account, context)
            before = (
                {**provider.status, "spending": newest.to_wire()} if newest is not None else provider.status
            )
            await _write_status(replace(provider, status=before), version, account, verdict, context)


async def _write_status(
    provider: Provider, resource_version: str, account: PhoneAccount, verdict: Verdict, context: Context
) -> None:
    status = _status(provider, account, verdict, context)
    kept = {name: provider.status[name] for name in ("recentIrreversible",) if name in provider.status}
    patch = status_patch(provider.status, {**kept, **status})
    if patch:
        await context.fleet_objects.patch_status(provider.key, resource_version, patch)


def _recorded_spending(provider: Provider) -> Spending | None:
    recorded = provider.status.get("spending")
    return (
        Spending.model_validate(recorded)
        if recorded is not None and provider.spec.budget is not None
        else None
    )


def _status(provider: Provider, account: PhoneAccount, verdict: Verdict, context: Context) -> dict[str, Any]:
    now = context.clock.now()
    before = provider.status
    conditions = ready_conditions(verdict, provider.generation, before.get("conditions") or (), now)
    status: dict[str, Any] = {
        "conditions": conditions,
        "account": provider.spec.account_name,
        "tenants": len(context.tenant_index.on_account(account.name)),
        "observedGeneration": provider.generation,
    }
    if not account.listed.proven:
        return status
    marks = {number: Mark.parse(owned.settings.label) for number, owned in account.listed.rows.items()}
    ours = {n: m for n, m in marks.items() if m is not None and m.cluster_id == context.policy.cluster_id}
    if account.spending is not None:
        status["spending"] = account.spending.to_wire()
    status |= {
        "numbersOwned": len(marks),
        "numbersManaged": len(ours),
        "numbersUnmarked": sum(mark is None for mark in marks.values()),
    }
    orphans = _orphans(account, ours, before, context, now)
    account.orphans = len(orphans)
    if orphans:
        status["orphans"] = [orphan.to_wire() for orphan in orphans[:ORPHANS_SHOWN]]
    return status


def _orphans(
    account: PhoneAccount,
    ours: Mapping[str, Mark],
    before: Mapping[str, Any],
    context: Context,
    now: datetime,
) -> list[OrphanNumber]:
    """Numbers with our mark and no tenant, and undecided purchases; reported, never released by themselves."""
    known = {orphan["number"]: orphan["since"] for orphan in before.get("orphans") or ()}
    index = context.tenant_index
    without = {
        number
        for number, mark in ours.items()
        if index.holding_number(number) is None and index.by_hash(mark.tenant_hash) is None
    }
    claimed = {claim.number: claim.tenant for claim in account.unresolved}
    return [
        OrphanNumber(
            number=number,
            mark=account.listed.rows[number].settings.label if number in ours else None,
            claimed_by=claimed.get(number),
            since=known.get(number, stamp(now)),
        )
        for number in sorted(without | claimed.keys())
    ]
