"""The applications of a Vonage account: one for each label, whose name is the mark of the numbers linked to it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from controller.providers.errors import NotFound, Retryable
from controller.providers.telephony import vonage_requests as compose
from controller.providers.telephony.protocol import NumberSettings
from controller.providers.telephony.vonage_pages import Page, whole_list
from controller.providers.telephony.vonage_transport import VonageTransport
from controller.providers.telephony.vonage_wire import ApplicationPage, ApplicationRecord, owner_of


class Applications:
    """Names are not unique at Vonage, so a label is looked up before an application is made for it.

    The last complete list is remembered for that, with our own changes: one list a poll, not one a purchase.
    """

    def __init__(self, transport: VonageTransport) -> None:
        self._transport = transport
        self._remembered: dict[str, ApplicationRecord] | None = None
        self._listing = asyncio.Lock()

    async def all(self) -> Mapping[str, ApplicationRecord]:
        """Every application by id, read now."""
        self._remembered = dict(await whole_list("Vonage applications", self._page))
        return dict(self._remembered)

    async def fetch(self, application_id: str) -> ApplicationRecord | None:
        """One application, read now; None without an id, or when it does not exist."""
        if not application_id:
            return None
        try:
            record = await self._transport.ask(compose.fetch_application(application_id), ApplicationRecord)
        except NotFound:
            self._forget(application_id)
            return None
        self._remember(record)
        return record

    async def for_label(self, settings: NumberSettings) -> ApplicationRecord:
        """The application of the label, set as wanted: found by its owner, or made."""
        found = await self._of_owner(settings.label)
        if found is not None:
            try:
                # Written also when it looks right: what is remembered may be gone by now.
                return await self._write(found.id, settings)
            except NotFound:
                self._forget(found.id)
        return await self._create(settings)

    async def replace(self, application: ApplicationRecord, settings: NumberSettings) -> ApplicationRecord:
        """Rename and set an application of ours that was read just now, where it differs. Raises `NotFound`."""
        if application.settings(settings.sms_url) == replace(settings, forward_to=""):
            return application
        return await self._write(application.id, settings)

    async def delete(self, application_id: str) -> None:
        """Already gone is success."""
        with suppress(NotFound):
            await self._transport.send(compose.delete_application(application_id))
        self._forget(application_id)

    async def _write(self, application_id: str, settings: NumberSettings) -> ApplicationRecord:
        request = compose.replace_application(application_id, settings)
        record = await self._transport.ask(request, ApplicationRecord)
        self._remember(record)
        return record

    async def _create(self, settings: NumberSettings) -> ApplicationRecord:
        try:
            record = await self._transport.ask(compose.create_application(settings), ApplicationRecord)
        except BaseException:
            # It may exist now: the next one who wants it has to look.
            self._remembered = None
            raise
        self._remember(record)
        return record

    async def _of_owner(self, label: str) -> ApplicationRecord | None:
        """The application with this very name, else one with the same owner's mark; of several the lowest id."""
        async with self._listing:
            known = self._remembered if self._remembered is not None else await self.all()
        owner = owner_of(label)
        named = [one for one in known.values() if one.name == label]
        owned = [one for one in known.values() if owner is not None and owner_of(one.name) == owner]
        return min(named or owned, key=lambda one: one.id, default=None)

    async def _page(self, number: int) -> Page[ApplicationRecord]:
        try:
            page = await self._transport.ask(compose.list_applications(number), ApplicationPage)
        except NotFound as error:
            # A list is never missing.
            raise Retryable(error.message, reason=error.reason) from error
        return Page({one.id: one for one in page.embedded.applications}, page.total_items)

    def _remember(self, record: ApplicationRecord) -> None:
        if self._remembered is not None:
            self._remembered[record.id] = record

    def _forget(self, application_id: str) -> None:
        if self._remembered is not None:
            self._remembered.pop(application_id, None)
