"""Numbers of one Twilio account, through the official SDK over our own transport."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from controller.api.business_tenant import Capability, NumberType
from controller.api.conditions import Reason
from controller.providers.clock import Clock
from controller.providers.errors import NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.limits import Limiter
from controller.providers.telephony.protocol import (
    MOST_CALLS,
    MOST_MESSAGES,
    CallRecord,
    Candidate,
    InboundMessage,
    NumberQuery,
    NumberSettings,
    OwnedNumber,
    Papers,
    Price,
)
from controller.providers.telephony.twilio_catalogue import Catalogue
from controller.providers.telephony.twilio_papers import bundle_problem, no_such_bundle
from controller.providers.telephony.twilio_transport import TwilioTransport
from controller.providers.telephony.twilio_wire import (
    call_record,
    inbound_message,
    offered_number,
    overrides_of,
    owned_number,
)
from controller.providers.transport import READ_TIMEOUT, Observer, Transport, unobserved

_LARGEST_PAGE: Final = 1000
_CANDIDATES: Final = 100
_SUBRESOURCES: Final = {
    NumberType.LOCAL: "local",
    NumberType.MOBILE: "mobile",
    NumberType.NATIONAL: "national",
    NumberType.TOLL_FREE: "toll_free",
}
# The SDK reads credentials and regions from the process's environment unless it is given another, non-empty
# one.
_NO_ENVIRONMENT: Final = {"": ""}


class TwilioAccount:
    """One account or subaccount; implements `TelephonyAccount`.

    Either `auth_token`, or both `api_key_sid` and `api_key_secret`. `base_url` replaces every host.
    """

    marks_with_purchase: Final = True

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str = "",
        api_key_sid: str = "",
        api_key_secret: str = "",
        base_url: str | None = None,
        limiter: Limiter,
        observer: Observer = unobserved,
        read_timeout: float = READ_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        """Raises `ValueError` without credentials."""
        user, password = (api_key_sid, api_key_secret) if api_key_sid else (account_sid, auth_token)
        if not user or not password:
            raise ValueError("A Twilio account needs an auth token, or an API key's SID and secret.")
        clock = clock or Clock()
        self._sid = account_sid
        self._signs_itself = user == account_sid
        self._name = f"Twilio account {account_sid}"
        self._transport = Transport(
            system="twilio",
            limiter=limiter,
            unavailable=Reason.PROVIDER_UNAVAILABLE,
            observer=observer,
            read_timeout=read_timeout,
            clock=clock,
        )
        self._client = Client(
            user,
            password,
            account_sid,
            http_client=TwilioTransport(
                self._transport,
                account=self._name,
                base_url=base_url,
                secrets=[password],
            ),
            environment=_NO_ENVIRONMENT,
        )
        self._catalogue = Catalogue(self._client, clock)

    def __repr__(self) -> str:
        return f"<{self._name}>"

    async def account_problem(self) -> OutsideError | None:
        """`Terminal` for an account that is suspended or closed. A trial account is none: it may own one number."""
        with self._sdk(changes=False):
            try:
                status = (await self._client.api.accounts(self._sid).fetch_async()).status
            except Terminal as error:
                return error
            except NotFound as error:
                raise self._no_such_account() from error
        if status in {"suspended", "closed"}:
            return Terminal(
                f"{self._name} is {status}. Have it made active in Twilio's Console, or name another account.",
                reason=Reason.REFUSED,
            )
        return None

    async def owned_numbers(self) -> Sequence[OwnedNumber]:
        """All numbers, page after page; an error on any page is an error of the whole."""
        return await self._list_owned()

    async def find_owned(self, number: str) -> OwnedNumber | None:
        """Exactly this number, read now. Twilio's filter is a pattern, so its answer is compared again."""
        found = await self._list_owned(phone_number=number)
        return next((owned for owned in found if owned.number == number), None)

    async def search(self, query: NumberQuery) -> Sequence[Candidate]:
        """At most 100 numbers for sale; without those that demand an address when there is none to give."""
        with self._sdk(changes=False):
            offer = await self._catalogue.offer(query.country)
            if query.type not in offer.types:
                return []
            for_sale = getattr(self._client.available_phone_numbers(query.country), _SUBRESOURCES[query.type])
            wishes: dict[str, Any] = {}
            if Capability.VOICE in query.capabilities:
                wishes["voice_enabled"] = True
            if Capability.SMS in query.capabilities:
                wishes["sms_enabled"] = True
            if query.pattern:
                wishes["contains"] = query.pattern
            if not query.address_available:
                wishes["exclude_all_address_required"] = True
            try:
                records = await for_sale.list_async(**wishes, limit=_CANDIDATES)
            except NotFound:
                # The country stopped selling this kind since we asked.
                return []
            offered = [offered_number(record) for record in records]
        price = offer.prices.get(query.type)
        return [
            Candidate(number.number, price)
            for number in offered
            if query.capabilities <= number.capabilities
            and (query.address_available or not number.needs_address)
        ]

    async def price(self, country: str, type: NumberType) -> Price | None:  # noqa: A002 - as in the protocol
        """From Twilio's price list, remembered for some minutes."""
        with self._sdk(changes=False):
            return (await self._catalogue.offer(country)).prices.get(type)

    async def papers_problem(self, papers: Papers) -> OutsideError | None:
        """Of the bundle; Twilio tells no state of an address.

        Bundles are looked up in the account that signs. An API key may be the parent's: what it does not find may
        be the subaccount's, so that is left to the purchase.
        """
        if not papers.bundle_id:
            return None
        bundle = self._client.numbers.v2.regulatory_compliance.bundles(papers.bundle_id)
        with self._sdk(changes=False):
            try:
                state = (await bundle.fetch_async()).status
            except NotFound:
                return no_such_bundle(papers.bundle_id, self._name) if self._signs_itself else None
        return bundle_problem(papers.bundle_id, state, self._name)

    async def buy(self, number: str, settings: NumberSettings, papers: Papers) -> OwnedNumber:
        """Buy this number in one request, never repeated. Raises `Conflict` when it is no longer for sale."""
        _refuse_forward(settings)
        wanted = {**_fields(settings), "address_sid": papers.address_id, "bundle_sid": papers.bundle_id}
        given = {name: value for name, value in wanted.items() if value}
        with self._sdk(changes=True):
            try:
                record = await self._client.incoming_phone_numbers.create_async(phone_number=number, **given)
            except NotFound as error:
                # Such answers have come after a purchase that went through: do not take it for "not bought".
                raise Retryable(
                    error.message, reason=Reason.PROVIDER_UNAVAILABLE, outcome_unknown=True
                ) from error
            return owned_number(record)

    async def configure(self, number_id: str, settings: NumberSettings) -> OwnedNumber:
        """Set everything, '' clears.

        A trunk or an application that overrides us is cleared by a second request.
        """
        _refuse_forward(settings)
        with self._sdk(changes=True):
            number = self._client.incoming_phone_numbers(number_id)
            record = await number.update_async(**_fields(settings))
            overriding = overrides_of(record)
            if overriding:
                record = await number.update_async(**dict.fromkeys(overriding, ""))
            return owned_number(record)

    async def release(self, number_id: str) -> None:
        """Give the number back for good. Twilio's word that it does not exist is success."""
        with self._sdk(changes=True):
            try:
                await self._client.incoming_phone_numbers(number_id).delete_async()
            except NotFound:
                return

    async def calls_since(self, since: datetime) -> Sequence[CallRecord] | None:
        """Newest first, page after page. Twilio's filter may be as coarse as a day, so times are compared again."""
        with self._sdk(changes=False):
            try:
                records = await self._client.calls.list_async(
                    start_time_after=since.astimezone(UTC), limit=MOST_CALLS, page_size=_LARGEST_PAGE
                )
            except NotFound as error:
                raise self._no_such_account() from error
            calls = [call for call in map(call_record, records) if call is not None]
        return [call for call in calls if call.started_at >= since]

    async def recent_messages(self, number: str, since: datetime) -> Sequence[InboundMessage] | None:
        """Newest first. The filter by time is as coarse as a day, so times are compared again."""
        with self._sdk(changes=False):
            try:
                records = await self._client.messages.list_async(
                    to=number,
                    date_sent_after=since.astimezone(UTC),
                    limit=MOST_MESSAGES,
                    page_size=MOST_MESSAGES,
                )
            except NotFound as error:
                raise self._no_such_account() from error
            messages = [message for message in map(inbound_message, records) if message is not None]
        return [message for message in messages if message.received_at >= since]

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()

    async def _list_owned(self, **filters: str) -> list[OwnedNumber]:
        with self._sdk(changes=False):
            try:
                # One by one: the SDK's records of a whole account take five times the memory of ours.
                records = await self._client.incoming_phone_numbers.stream_async(
                    **filters, page_size=_LARGEST_PAGE
                )
                return [owned_number(record) async for record in records]
            except NotFound as error:
                raise self._no_such_account() from error

    def _no_such_account(self) -> Unauthorized:
        """A list is never missing; the account that holds it is."""
        return Unauthorized(
            f"{self._name} does not exist. Correct spec.twilio.accountSID.", reason=Reason.WRONG_CREDENTIALS
        )

    @contextmanager
    def _sdk(self, *, changes: bool) -> Generator[None]:
        """Map what the SDK raises over an answer that it cannot read; HTTP errors are ours already."""
        try:
            yield
        except (TwilioException, ValueError, TypeError, AttributeError, LookupError) as error:
            raise Retryable(
                f"{self._name} gave an answer that cannot be understood.",
                reason=Reason.PROVIDER_UNAVAILABLE,
                outcome_unknown=changes,
            ) from error


def _refuse_forward(settings: NumberSettings) -> None:
    """A number of Twilio's has URLs only; what forwards a call is the answer of one, and nobody hosts it here."""
    if settings.forward_to:
        raise Terminal(
            "spec.ai.voice: Twilio forwards calls only by instructions that an endpoint of yours answers with. Use"
            " route Webhook with such an endpoint, or a number at Vonage (spec.phoneNumber.providerRef).",
            reason=Reason.FORWARD_UNSUPPORTED,
        )


def _fields(settings: NumberSettings) -> dict[str, str]:
    """As Twilio calls them. Methods are set too: a URL asked by GET would get no body."""
    return {
        "friendly_name": settings.label,
        "voice_url": settings.voice_url,
        "voice_method": "POST",
        "voice_fallback_url": settings.voice_fallback_url,
        "voice_fallback_method": "POST",
        "status_callback": settings.status_callback_url,
        "status_callback_method": "POST",
        "sms_url": settings.sms_url,
        "sms_method": "POST",
        "sms_fallback_url": settings.sms_fallback_url,
        "sms_fallback_method": "POST",
    }
