"""What a purchase can end in: how the world is arranged before it, and what must come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.api.conditions import Reason
from controller.providers.errors import OutsideError, Retryable
from controller.providers.telephony.protocol import NumberSettings, Papers, TelephonyAccount
from tests.providers.conftest import Sandbox


@dataclass(frozen=True)
class Ending:
    """Error, reason and whether it was paid for, after `controls` and a fault of the request that buys."""

    error: type[OutsideError]
    reason: Reason
    fault: str = ""
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    controls: Sequence[tuple[str, object]] = ()
    number: str = ""
    """Bought instead of the one that is for sale."""
    bundle: str = ""
    doubtful: bool = False
    bought: bool = False
    after: float | None = None


def failure(fault: str, **more: Any) -> Ending:
    """Something that is tried again."""
    return Ending(Retryable, Reason.PROVIDER_UNAVAILABLE, fault=fault, **more)


async def assert_ends_so(
    ending: Ending, account: TelephonyAccount, sandbox: Sandbox, *, purchase: str, number: str, label: str
) -> str:
    """Buy `number`; `purchase` is the request that buys. The error's message is returned."""
    for path, told in ending.controls:
        await sandbox.tell(path, told)
    if ending.fault:
        await sandbox.order(purchase, ending.fault, body=ending.body, headers=dict(ending.headers))
    with pytest.raises(OutsideError) as raised:
        await account.buy(ending.number or number, NumberSettings(label), Papers(bundle_id=ending.bundle))
    error = raised.value
    assert type(error) is ending.error
    assert error.reason is ending.reason
    if isinstance(error, Retryable):
        assert error.outcome_unknown is ending.doubtful
        assert error.after == ending.after
    assert await sandbox.requests("POST", purchase.rpartition("/")[2]) == 1
    paid = [
        charge.get("phone_number") or f"+{charge['msisdn']}" for charge in (await sandbox.state())["charges"]
    ]
    assert paid == ([number] if ending.bought else [])
    return error.message
