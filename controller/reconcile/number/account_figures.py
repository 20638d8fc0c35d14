"""What a pass over an account gathers beside the list: prices of what is ours there, and the calls of its numbers."""

from datetime import timedelta
from typing import Final

import structlog

from controller.providers.errors import OutsideError
from controller.providers.telephony.protocol import OwnedNumber, TelephonyAccount
from controller.reconcile.context import Context
from controller.reconcile.fleet import PhoneAccount
from controller.reconcile.number.budget import recount
from controller.reconcile.number.holdings import holdings, kinds, ours, price_of

log = structlog.get_logger(__name__)

# Providers change prices with notice; a day late is early enough.
PRICES_LAST: Final = timedelta(hours=24)
# Of an account with numbers in very many countries the rest is asked for at the next pass.
PRICES_A_PASS: Final = 20


async def gather_figures(account: PhoneAccount, client: TelephonyAccount, context: Context) -> None:
    """Bring holdings, spending and calls up to date with the newest list.

    A figure that cannot be had is not a failure of the account: its numbers work.
    """
    numbers = ours(account.listed.rows.values(), context.policy.cluster_id)
    try:
        await _read_prices(account, client, numbers, context)
        if numbers:
            await _read_calls(account, client, context)
    except OutsideError as error:
        log.warning("figures of an account are missing", provider=account.name, problem=error.message)
    account.holdings = holdings(numbers, account.prices)
    recount_spending(account, context)


def recount_spending(account: PhoneAccount, context: Context) -> None:
    """Count the newest list into the record that the budget is held against."""
    began_at = account.listed.began_at
    if account.spec.budget is None:
        account.spending = None
    elif began_at is not None:
        numbers = ours(account.listed.rows.values(), context.policy.cluster_id)
        priced = {number.number: price_of(number, account.prices) for number in numbers}
        account.spending = recount(account.spending, priced, began_at)


async def _read_prices(
    account: PhoneAccount, client: TelephonyAccount, numbers: list[OwnedNumber], context: Context
) -> None:
    now = context.clock.now()
    if account.priced_at is None or now - account.priced_at >= PRICES_LAST:
        account.priced_at, account.prices = now, {}
    for country, kind in sorted(kinds(numbers) - account.prices.keys())[:PRICES_A_PASS]:
        account.prices[country, kind] = await client.price(country, kind)


async def _read_calls(account: PhoneAccount, client: TelephonyAccount, context: Context) -> None:
    began_at = context.clock.now()
    calls = await client.calls_since(account.calls.ask_since(began_at))
    account.calls.told = calls is not None
    if calls is not None:
        account.calls.take(calls, began_at)
