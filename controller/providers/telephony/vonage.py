"""Numbers of one Vonage account. The SDK composes every request; our own transport sends it.

A number itself has no name. Its mark is the name of the application that it is linked to, and the link can only
be made after the purchase: a process that dies in between leaves a number without a mark.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from controller.api.business_tenant import NumberType
from controller.api.conditions import Reason
from controller.providers.clock import Clock
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal
from controller.providers.limits import Limiter
from controller.providers.telephony import vonage_requests as compose
from controller.providers.telephony.e164 import country_of
from controller.providers.telephony.protocol import (
    CallRecord,
    Candidate,
    InboundMessage,
    NumberQuery,
    NumberSettings,
    OwnedNumber,
    Papers,
    Price,
)
from controller.providers.telephony.vonage_applications import Applications
from controller.providers.telephony.vonage_pages import Page, whole_list
from controller.providers.telephony.vonage_transport import VonageTransport
from controller.providers.telephony.vonage_wire import (
    ApplicationRecord,
    NumberId,
    NumberPage,
    NumberRecord,
    OperationResult,
    fits_pattern,
    owned_number,
    owner_of,
    search_for,
)
from controller.providers.transport import READ_TIMEOUT, Observer, Transport, unobserved


class VonageAccount:
    """One account or subaccount; implements `TelephonyAccount`. `base_url` replaces every host."""

    marks_with_purchase: Final = False

    def __init__(
        self,
        *,
        api_key: str,
        api_secret: str,
        base_url: str | None = None,
        limiter: Limiter,
        observer: Observer = unobserved,
        read_timeout: float = READ_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        """Raises `ValueError` without credentials."""
        if not api_key or not api_secret:
            raise ValueError("A Vonage account needs an API key and its secret.")
        # The API key is half of the login and comes from a Secret: messages name the provider object instead.
        self._name = f"The Vonage account of {limiter.name}"
        self._transport = VonageTransport(
            Transport(
                system="vonage",
                limiter=limiter,
                unavailable=Reason.PROVIDER_UNAVAILABLE,
                observer=observer,
                read_timeout=read_timeout,
                clock=clock,
            ),
            account=self._name,
            login=(api_key, api_secret),
            base_url=base_url,
            secrets=[api_secret, api_key],
        )
        self._applications = Applications(self._transport)

    def __repr__(self) -> str:
        return f"<{self._name}>"

    async def account_problem(self) -> OutsideError | None:
        """None, and nothing is asked: Vonage tells no more of an account than its refusals do."""
        return None

    async def owned_numbers(self) -> Sequence[OwnedNumber]:
        """All numbers, each joined with its application."""
        # In this order: an application is made before a number is linked to it.
        numbers = await self._records()
        applications = await self._applications.all()
        return [owned_number(one, applications.get(one.application_id)) for one in numbers]

    async def find_owned(self, number: str) -> OwnedNumber | None:
        """Exactly this number, and its application, read now."""
        record = await self._find(number.removeprefix("+"))
        if record is None:
            return None
        return owned_number(record, await self._applications.fetch(record.application_id))

    async def search(self, query: NumberQuery) -> Sequence[Candidate]:
        """At most 100 numbers for sale.

        Vonage does not tell which of them demand an address; their purchase is refused.
        """
        if query.type not in compose.TYPES:
            return []
        search = search_for(query.pattern) if query.pattern else None
        page = await self._transport.ask(
            compose.search_available(query.country, query.type, query.capabilities, search), NumberPage
        )
        return [
            Candidate(f"+{record.msisdn}", record.price)
            for record in page.numbers
            if query.capabilities <= record.capabilities
            and record.country == query.country
            and (query.pattern is None or fits_pattern(query.pattern, f"+{record.msisdn}"))
        ]

    async def price(self, country: str, type: NumberType) -> Price | None:  # noqa: A002 - as in the protocol
        """The rent of the first number of this kind for sale: Vonage has no price list of its own for rents."""
        if type not in compose.TYPES:
            return None
        request = compose.search_available(country, type, frozenset(), None, size=1)
        page = await self._transport.ask(request, NumberPage)
        return next((record.price for record in page.numbers), None)

    async def papers_problem(self, papers: Papers) -> OutsideError | None:
        """None, and nothing is asked: Vonage takes no papers."""
        del papers
        return None

    async def buy(self, number: str, settings: NumberSettings, papers: Papers) -> OwnedNumber:
        """Buy this number by one request, never repeated, then link it to the application of its label.

        The application is made first: what is wrong with it shows before money is spent. Papers are not sent,
        Vonage takes none. An SMS URL that Vonage refuses is left out of what is answered.
        """
        del papers
        _refuse_unsupported(settings)
        wanted = NumberId(_country_of(number), number.removeprefix("+"))
        application = await self._applications.for_label(settings)
        await self._buy(wanted)
        try:
            return await self._link_new(wanted, application, settings)
        except OutsideError as error:
            # It is bought: nothing that fails from here on may look as if it were not.
            raise Retryable(
                f"{number} is bought but not marked yet. {error.message}",
                reason=error.reason if isinstance(error, Retryable) else Reason.PROVIDER_UNAVAILABLE,
                after=error.after if isinstance(error, Retryable) else None,
                outcome_unknown=True,
            ) from error

    async def configure(self, number_id: str, settings: NumberSettings) -> OwnedNumber:
        """Set everything, '' clears. Of the label's application and the number, the one with the mark is last.

        An application of another owner is left as it is; the number is linked to one of ours instead.
        """
        _refuse_unsupported(settings)
        wanted = _parse(number_id)
        record = await self._existing(wanted)
        linked = await self._applications.fetch(record.application_id)
        if linked is not None and _changes_state(linked.name, settings.label):
            await self._update(wanted, record, linked, settings)
            application = await self._applications.replace(linked, settings)
        else:
            application = await self._application(linked, settings)
            await self._update(wanted, record, application, settings)
        return owned_number(await self._existing(wanted), application)

    async def release(self, number_id: str) -> None:
        """Cancel the number, then delete its application if that is of ours and has no other number.

        After a crash in between the application stays: it costs nothing, and is used again with its label.
        """
        wanted = _parse(number_id)
        record = await self._find(wanted.msisdn)
        if record is None:
            return
        application = await self._applications.fetch(record.application_id)
        try:
            await self._transport.ask(compose.cancel(wanted.country, wanted.msisdn), OperationResult)
        except (Conflict, Terminal) as error:
            if await self._find(wanted.msisdn) is not None:
                raise _again(error) from error
        if application is None or owner_of(application.name) is None:
            return
        others = await self._transport.ask(compose.list_owned(1, application_id=application.id), NumberPage)
        if not others.numbers:
            await self._applications.delete(application.id)

    async def calls_since(self, since: datetime) -> Sequence[CallRecord] | None:
        """Vonage lists no calls without its Reports product."""
        del since
        return None

    async def recent_messages(self, number: str, since: datetime) -> Sequence[InboundMessage] | None:
        """Vonage shows received SMS only in its dashboard, and to the number's webhook."""
        del number, since
        return None

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()

    async def _buy(self, wanted: NumberId) -> None:
        try:
            await self._transport.ask(compose.buy(wanted.country, wanted.msisdn), OperationResult)
        except Conflict as error:
            # The same text says "sold to others" and "you own it": an earlier purchase may have come through.
            if await self._find(wanted.msisdn) is None:
                raise
            raise Retryable(
                f"+{wanted.msisdn} is in the account already.",
                reason=Reason.PROVIDER_UNAVAILABLE,
                outcome_unknown=True,
            ) from error

    async def _link_new(
        self, wanted: NumberId, application: ApplicationRecord, settings: NumberSettings
    ) -> OwnedNumber:
        new = NumberRecord(country=wanted.country, msisdn=wanted.msisdn)
        try:
            await self._update(wanted, new, application, settings)
            sms_url = settings.sms_url
        except Retryable as error:
            if error.reason is not Reason.WEBHOOK_NOT_ANSWERING:
                raise
            sms_url = ""  # linked without it
        linked = {"app_id": application.id, "sms_url": sms_url}
        if settings.forward_to:
            linked |= {"voice_callback_type": "tel", "voice_callback_value": settings.forward_to}
        return owned_number(new.model_copy(update=linked), application)

    async def _application(
        self, linked: ApplicationRecord | None, settings: NumberSettings
    ) -> ApplicationRecord:
        if linked is not None and linked.name == settings.label:
            try:
                return await self._applications.replace(linked, settings)
            except NotFound:
                pass  # deleted since it was read
        return await self._applications.for_label(settings)

    async def _update(
        self, wanted: NumberId, record: NumberRecord, application: ApplicationRecord, settings: NumberSettings
    ) -> None:
        """Link and set the number where it differs; link it also when its SMS URL is refused. Raises `NotFound`."""
        as_wanted = record.application_id == application.id and (record.sms_url or "") == settings.sms_url
        forwarded = record.forward_to == settings.forward_to and record.forwards_calls_by != "sip"
        if as_wanted and forwarded:
            return
        try:
            await self._set(wanted, application, settings.sms_url, settings.forward_to)
        except (Conflict, Terminal) as error:
            await self._existing(wanted)
            if not settings.sms_url or settings.sms_url == record.sms_url:
                raise _again(error) from error
            if record.application_id != application.id:
                # The mark matters more than the URL, which is found missing and set again later.
                try:
                    await self._set(wanted, application, record.sms_url or "", settings.forward_to)
                except (Conflict, Terminal) as refusal:
                    raise _again(refusal) from refusal
            raise Retryable(
                f"{self._name} does not take the SMS URL {settings.sms_url}: it asks it by GET first and wants 200."
                " Make it answer, or correct spec.ai.sms.",
                reason=Reason.WEBHOOK_NOT_ANSWERING,
            ) from error

    async def _set(
        self, wanted: NumberId, application: ApplicationRecord, sms_url: str, forward_to: str
    ) -> None:
        request = compose.update(
            wanted.country,
            wanted.msisdn,
            application_id=application.id,
            sms_url=sms_url,
            forward_to=forward_to,
        )
        await self._transport.ask(request, OperationResult)

    async def _existing(self, wanted: NumberId) -> NumberRecord:
        record = await self._find(wanted.msisdn)
        if record is None:
            raise NotFound(
                f"{self._name} does not have the number +{wanted.msisdn}.", reason=Reason.PROVIDER_UNAVAILABLE
            )
        return record

    async def _find(self, msisdn: str) -> NumberRecord | None:
        """Vonage's filter is a prefix, so its answer is compared again."""
        page = await self._transport.ask(compose.list_owned(1, msisdn=msisdn), NumberPage)
        return next((record for record in page.numbers if record.msisdn == msisdn), None)

    async def _records(self) -> Sequence[NumberRecord]:
        async def page(number: int) -> Page[NumberRecord]:
            listed = await self._transport.ask(compose.list_owned(number), NumberPage)
            return Page({record.msisdn: record for record in listed.numbers}, listed.count)

        return list((await whole_list("Vonage numbers", page)).values())


def _changes_state(name: str, label: str) -> bool:
    """Whether a label is the same owner's mark in another state: then the application is renamed."""
    owner = owner_of(label)
    return name != label and owner is not None and owner_of(name) == owner


def _refuse_unsupported(settings: NumberSettings) -> None:
    if settings.sms_fallback_url:
        raise Terminal(
            "Vonage has no fallback URL for SMS. Leave spec.ai.sms.fallbackURL out.", reason=Reason.REFUSED
        )


def _country_of(number: str) -> str:
    country = country_of(number)
    if country is None:
        raise Terminal(
            f"The country of {number} cannot be told, and Vonage asks for it.", reason=Reason.REFUSED
        )
    return country


def _parse(number_id: str) -> NumberId:
    try:
        return NumberId.parse(number_id)
    except ValueError as error:
        raise NotFound(
            f"{number_id} is not the id of a Vonage number.", reason=Reason.PROVIDER_UNAVAILABLE
        ) from error


def _again(error: OutsideError) -> Retryable:
    """A refusal of unknown cause of something that must be done in the end."""
    return Retryable(error.message, reason=Reason.PROVIDER_UNAVAILABLE)
