"""The SMS with which WhatsApp proves who has a number, for a person who registers it now. Kept nowhere."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from controller.providers.errors import OutsideError
from controller.providers.telephony.protocol import InboundMessage
from controller.reconcile.context import Context
from controller.reconcile.not_possible import NotPossibleError, Obstacle
from controller.reconcile.tenant_object import Tenant

RECENT: Final = timedelta(minutes=15)
_SENDER: Final = "whatsapp"
_CODE: Final = re.compile(r"(?<!\d)\d{3}[- ]?\d{3}(?!\d)")


async def verification_sms(tenant: Tenant, context: Context) -> Sequence[InboundMessage]:
    """What WhatsApp sent to the tenant's number in the last minutes, newest first. Raises `NotPossibleError`."""
    recorded = tenant.status.phone_number
    if recorded is None or recorded.number is None or recorded.provider is None:
        raise NotPossibleError(Obstacle.TENANT, f"{tenant.key} has no number that could receive an SMS.")
    account = context.fleet.accounts.get(recorded.provider)
    if account is None:
        raise NotPossibleError(
            Obstacle.OUTSIDE, f"PhoneProvider {recorded.provider} does not exist. Create it again."
        )
    if account.client is None or account.problem is not None:
        said = (
            account.problem.message if account.problem else f"PhoneProvider {account.name} is not ready yet."
        )
        raise NotPossibleError(Obstacle.OUTSIDE, said)
    try:
        received = await account.client.recent_messages(recorded.number, context.clock.now() - RECENT)
    except OutsideError as error:
        raise NotPossibleError(Obstacle.OUTSIDE, error.message) from error
    if received is None:
        raise NotPossibleError(
            Obstacle.NOT_OFFERED,
            f"{account.spec.type.value} does not tell which SMS a number received. Look for it where spec.ai.sms sends"
            " them, or in the dashboard's message search.",
        )
    return [message for message in received if is_from_whatsapp(message)]


def is_from_whatsapp(message: InboundMessage) -> bool:
    """Whether it is such an SMS. Customers' SMS, even on WhatsApp, are none of this call's business."""
    by_name = message.sender.lower() == _SENDER
    return by_name or (_SENDER in message.text.lower() and _CODE.search(message.text) is not None)
