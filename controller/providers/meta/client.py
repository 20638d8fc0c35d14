"""One WhatsApp phone number and its business account at Meta's Graph API."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPMethod
from typing import Final, TypeVar
from urllib.parse import quote

from controller.api.conditions import Reason
from controller.providers.clock import Clock
from controller.providers.errors import NotFound, Retryable
from controller.providers.limits import Limiter
from controller.providers.meta.errors import Asked, judge_answer
from controller.providers.meta.protocol import (
    BusinessProfile,
    Component,
    MetaPhoneNumber,
    NewTemplate,
    Template,
    TemplateCategory,
)
from controller.providers.meta.wire import (
    PHONE_NUMBER_FIELDS,
    PROFILE_FIELDS,
    TEMPLATE_FIELDS,
    CreatedBody,
    PhoneNumberBody,
    ProfilesBody,
    SuccessBody,
    TemplatesBody,
    create_request,
    edit_request,
    profile_request,
)
from controller.providers.transport import (
    READ_TIMEOUT,
    Answer,
    Call,
    Observer,
    Refusal,
    Transport,
    unobserved,
)

BASE_URL: Final = "https://graph.facebook.com"
VERSION: Final = "v26.0"
"""Introduced on 29 July 2026; a version is served for about two years.
https://developers.facebook.com/docs/graph-api/changelog
"""

_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 100
"""A business account may have 6,000 templates; more pages than this are an endless list."""

_PROFILE: Final = "/{phone_number_id}/whatsapp_business_profile"
_TEMPLATES: Final = "/{business_account_id}/message_templates"

_Read = TypeVar("_Read")


class MetaClient:
    """Implements `MetaAccount`. `base_url` and `version` lead elsewhere than to Meta's current API."""

    def __init__(
        self,
        *,
        phone_number_id: str,
        business_account_id: str,
        access_token: str,
        limiter: Limiter,
        base_url: str = BASE_URL,
        version: str = VERSION,
        observer: Observer = unobserved,
        read_timeout: float = READ_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        """Raises `ValueError` without ids or token."""
        if not phone_number_id or not business_account_id or not access_token:
            raise ValueError("A WhatsApp number at Meta needs its two ids and an access token.")
        self._phone_number_id = phone_number_id
        self._business_account_id = business_account_id
        self._token = access_token
        self._base = f"{base_url.rstrip('/')}/{version}"
        self._transport = Transport(
            system="meta",
            limiter=limiter,
            unavailable=Reason.META_UNAVAILABLE,
            observer=observer,
            read_timeout=read_timeout,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"<Meta phone number id {self._phone_number_id}>"

    async def phone_number(self) -> MetaPhoneNumber:
        """The number as it is now. Raises `NotFound`."""
        answer = await self._ask_number(
            HTTPMethod.GET, "/{phone_number_id}", query={"fields": PHONE_NUMBER_FIELDS}
        )
        return _understand(answer, PhoneNumberBody.model_validate_json).to_number()

    async def profile(self) -> BusinessProfile:
        """The profile as it is now. Raises `NotFound`."""
        answer = await self._ask_number(HTTPMethod.GET, _PROFILE, query={"fields": PROFILE_FIELDS})
        return _understand(answer, ProfilesBody.model_validate_json).data[0].to_profile()

    async def set_profile(self, profile: BusinessProfile) -> None:
        """Write what is not None, in one request; nothing is sent when there is nothing to write."""
        body = profile_request(profile)
        if body:
            _done(await self._ask_number(HTTPMethod.POST, _PROFILE, body=body))

    async def templates(self) -> Sequence[Template]:
        """All templates, page after page; an error on any page is an error of the whole."""
        listed: list[Template] = []
        query = {"fields": TEMPLATE_FIELDS, "limit": str(_PAGE_SIZE)}
        for _ in range(_MOST_PAGES):
            answer = await self._ask_account(HTTPMethod.GET, _TEMPLATES, query=query)
            page, following = _understand(answer, _page_of)
            listed.extend(page)
            if following is None:
                return listed
            query = {**query, "after": following}
        raise _not_understood("a list of templates without end")

    async def create_template(self, new: NewTemplate) -> Template:
        """Send to review, once. Raises `Conflict`, and `Retryable` while the name is being deleted."""
        answer = await self._ask_account(HTTPMethod.POST, _TEMPLATES, body=create_request(new))
        created = _understand(answer, CreatedBody.model_validate_json, changes=True)
        return created.to_template(new)

    async def edit_template(
        self, template_id: str, *, components: Sequence[Component], category: TemplateCategory | None = None
    ) -> None:
        """Replace all components. Raises `NotFound`."""
        body = edit_request(components, category)
        answer = await self._ask(
            HTTPMethod.POST, "/{template_id}", ids={"template_id": template_id}, body=body
        )
        _done(answer)

    async def delete_template(self, name: str, template_id: str) -> None:
        """Delete one language: the name alone would delete all of them. Unknown is success."""
        if not template_id:
            raise ValueError("A template is deleted by its name and its id.")
        query = {"name": name, "hsm_id": template_id}
        try:
            answer = await self._ask(HTTPMethod.DELETE, _TEMPLATES, query=query)
        except NotFound:
            # The account may be what is unknown: then nothing is known to be deleted.
            await self._ask_account(HTTPMethod.GET, _TEMPLATES, query={"fields": "id", "limit": "1"})
            return
        _done(answer)

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()

    async def _ask_number(
        self,
        method: HTTPMethod,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        try:
            return await self._ask(method, path, query=query, body=body)
        except NotFound as error:
            raise self._unknown("phone number", self._phone_number_id, "phoneNumberID") from error

    async def _ask_account(
        self,
        method: HTTPMethod,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        try:
            return await self._ask(method, path, query=query, body=body)
        except NotFound as error:
            raise self._unknown("business account", self._business_account_id, "businessAccountID") from error

    async def _ask(
        self,
        method: HTTPMethod,
        path: str,
        *,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        """One request. `path` is a template, and so what metrics and messages call it."""
        asked = Asked(method=method, operation=f"{method} {path}", secrets=[self._token])
        known = {
            "phone_number_id": self._phone_number_id,
            "business_account_id": self._business_account_id,
            **(ids or {}),
        }

        def judge(answer: Answer) -> Refusal | None:
            return judge_answer(answer, asked)

        call = Call(
            method=method,
            url=self._base + path.format_map({name: quote(id_, safe="") for name, id_ in known.items()}),
            operation=asked.operation,
            headers={"Authorization": f"Bearer {self._token}"},
            params=query or {},
            json_body=body,
        )
        return await self._transport.send(call, judge)

    def _unknown(self, what: str, id_: str, field: str) -> NotFound:
        return NotFound(
            f"Meta knows no {what} with id {id_}, or the access token may not see it. Correct"
            f" spec.whatsapp.cloudAPI.{field}, or give the token's system user access to the account.",
            reason=Reason.REFUSED,
        )


def _done(answer: Answer) -> None:
    """Raise unless a change was made."""
    if not _understand(answer, SuccessBody.model_validate_json, changes=True).success:
        raise Retryable(
            "Meta answered that it did not do what was asked, without a reason.",
            reason=Reason.META_UNAVAILABLE,
            outcome_unknown=True,
        )


def _page_of(content: bytes) -> tuple[list[Template], str | None]:
    body = TemplatesBody.model_validate_json(content)
    return [template.to_template() for template in body.data], body.following


def _understand(answer: Answer, read: Callable[[bytes], _Read], *, changes: bool = False) -> _Read:
    """Read the answer whole; half an understood list is no list."""
    try:
        return read(answer.content)
    except ValueError as error:
        # The error shows pieces of the answer: it must not be chained.
        kind = type(error).__name__
    raise _not_understood(kind, outcome_unknown=changes)


def _not_understood(what: str, *, outcome_unknown: bool = False) -> Retryable:
    return Retryable(
        f"Meta gave an answer that cannot be understood ({what}).",
        reason=Reason.META_UNAVAILABLE,
        outcome_unknown=outcome_unknown,
    )
