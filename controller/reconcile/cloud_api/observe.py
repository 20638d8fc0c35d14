"""What is known of a tenant's number at Meta.

No bulk read shows it. What was last verified is trusted until an id or the Secret changes, the instance is another
one, or a deep check is due; then Meta is asked.
"""

from dataclasses import replace
from typing import Final

from controller.api.business_tenant import Channel
from controller.api.conditions import Reason
from controller.providers.errors import OutsideError, Retryable, Unauthorized
from controller.providers.evolution.protocol import InstanceRow, Integration
from controller.providers.meta.protocol import BusinessProfile, MetaPhoneNumber, PhoneNumberStatus
from controller.reconcile.cloud_api.credentials import access_token, meta_account, secret_missing
from controller.reconcile.cloud_api.desired import DesiredBusinessProfile, DesiredCloudAPI
from controller.reconcile.context import Context
from controller.reconcile.deep_check import deep_check_due
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.observed import InstanceObserved, MetaObserved
from controller.reconcile.tenant_object import Tenant
from controller.reconcile.verdict import Verdict

# A registration that a person is at is looked at again soon.
REGISTRATION_CHECK_SECONDS: Final = 300.0
_NOT_REGISTERED: Final = frozenset(
    {PhoneNumberStatus.PENDING, PhoneNumberStatus.UNVERIFIED, PhoneNumberStatus.DISCONNECTED}
)
_LOST: Final = frozenset(
    {
        PhoneNumberStatus.BANNED,
        PhoneNumberStatus.RESTRICTED,
        PhoneNumberStatus.MIGRATED,
        PhoneNumberStatus.DELETED,
    }
)


async def with_meta(
    tenant: Tenant, desired: DesiredTenant, instance: InstanceObserved, context: Context
) -> InstanceObserved:
    """The instance with what Meta says of its number; as it is on every other channel."""
    wanted = desired.instance
    if wanted is None or wanted.cloud_api is None:
        return instance
    meta = await _observe(tenant, wanted.cloud_api, instance, context)
    row, recorded = instance.row, instance.recorded
    if row is not None:
        # Evolution does not know it. While Meta cannot be asked it is the one that was told last.
        owner = meta.number or (recorded.number if recorded is not None else None)
        row = replace(row, owner_number=owner)
    return replace(instance, row=row, meta=meta)


async def observe_business_profile(
    tenant: Tenant, desired: DesiredTenant, instance: InstanceObserved, context: Context
) -> BusinessProfile | Verdict | None:
    """The profile as it is at Meta, where it must be looked at."""
    wanted, meta = desired.profile, instance.meta
    if not isinstance(wanted, DesiredBusinessProfile) or meta is None or meta.number is None:
        return None
    applied = tenant.status.profile.applied_hash if tenant.status.profile else None
    if applied == wanted.fingerprint and not meta.asked:
        return None
    assert desired.instance is not None and desired.instance.cloud_api is not None  # noqa: S101, PT018
    try:
        async with meta_account(tenant.key, desired.instance.cloud_api, context) as account:
            return await account.profile()
    except OutsideError as error:
        # A deep check that fails is made again at the next; a live tenant keeps what it has.
        trusted = isinstance(error, Retryable) and applied == wanted.fingerprint
        return None if trusted else Verdict.failed(error)


async def _observe(
    tenant: Tenant, wanted: DesiredCloudAPI, instance: InstanceObserved, context: Context
) -> MetaObserved:
    if wanted.phone_number_id is None:
        return MetaObserved()
    if instance.row is None and (other := _instance_of_same_number(wanted, context)) is not None:
        return MetaObserved(problem=other)
    version = context.secrets.version(tenant.key.namespace, wanted.token.name)
    if version is None:
        problem = Verdict.waiting(Reason.SECRET_NOT_FOUND, secret_missing(tenant.key, wanted))
        return MetaObserved(problem=problem)
    applied = wanted.fingerprint(version)
    trusted = _trusted(applied, wanted, instance)
    checked_at = context.memory.meta_checked_at
    if trusted is not None and not deep_check_due(checked_at, tenant, context):
        return trusted
    try:
        token = await access_token(tenant.key, wanted, context)
        async with meta_account(tenant.key, wanted, context, token) as account:
            number = await account.phone_number()
    except OutsideError as error:
        if trusted is not None and isinstance(error, Retryable):
            checked_at[tenant.key] = context.clock.now()
            return trusted
        return MetaObserved(problem=_say_failed(error, tenant, wanted, instance), fingerprint=applied)
    checked_at[tenant.key] = context.clock.now()
    return MetaObserved(
        number=number.number,
        asked=True,
        problem=_standing(number),
        fingerprint=applied,
        differing=differing(wanted, token, instance.row),
    )


def differing(wanted: DesiredCloudAPI, token: str | None, row: InstanceRow | None) -> tuple[str, ...]:
    """What an instance was made of that is not as wanted; `token` None: not compared. Nothing of it can be changed."""
    if row is None:
        return ()
    parts = {
        "access token": token is not None and row.token != token,
        "phone number id": row.number != wanted.phone_number_id,
        "business account": row.business_id != wanted.business_account_id,
    }
    return tuple(name for name, differs in parts.items() if differs)


def _trusted(applied: str, wanted: DesiredCloudAPI, instance: InstanceObserved) -> MetaObserved | None:
    """What was verified last, where it was of this very instance, these ids and this version of the Secret."""
    recorded, row = instance.recorded, instance.row
    if (
        recorded is None
        or recorded.verified_hash != applied
        or recorded.channel != Channel.CLOUD_API.value
        or row is None
        or row.id != recorded.id
        or differing(wanted, None, row)
    ):
        return None
    return MetaObserved(number=recorded.number, fingerprint=applied)


def _instance_of_same_number(wanted: DesiredCloudAPI, context: Context) -> Verdict | None:
    """Meta sends a number's messages to one place only: two instances would answer the same customers."""
    for server in context.fleet.servers.values():
        for row in server.instances.listed.rows.values():
            if row.integration == Integration.BUSINESS.value and row.number == wanted.phone_number_id:
                return Verdict.waiting(
                    Reason.NAME_TAKEN,
                    f"Phone number id {wanted.phone_number_id} has the instance {row.name} on {server.name} already."
                    " Correct spec.whatsapp.cloudAPI.phoneNumberID, or delete that instance.",
                )
    return None


def _say_failed(
    error: OutsideError, tenant: Tenant, wanted: DesiredCloudAPI, instance: InstanceObserved
) -> Verdict:
    verdict = Verdict.failed(error)
    if not isinstance(error, Unauthorized):
        return verdict
    told = f"{verdict.message} It is in {tenant.key.namespace}/{wanted.token.name}, key {wanted.token.key}."
    if instance.row is not None:
        told += " The instance is left with the token that it has."
    return replace(verdict, message=told)


def _standing(number: MetaPhoneNumber) -> Verdict | None:
    """Why the number cannot be used, as far as Meta tells."""
    if number.status in _NOT_REGISTERED:
        return Verdict.waiting(
            Reason.REGISTER_NUMBER_AT_META,
            f"Meta says {number.status.value} of {number.number}: finish its registration in Meta Business Manager.",
            after=REGISTRATION_CHECK_SECONDS,
        )
    if number.status in _LOST:
        return Verdict.waiting(
            Reason.REFUSED,
            f"Meta says {number.status.value} of {number.number}: see the account's quality page in WhatsApp Manager.",
        )
    return None
