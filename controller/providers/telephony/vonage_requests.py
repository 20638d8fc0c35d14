"""What the Vonage SDK would send, without sending it: paths, parameters and their validation are the SDK's.

Its own HTTP client is not used. It repeats purchases when a connection drops, labels form bodies as JSON after
any JSON request, shares headers between concurrent requests, knows no time-out, speaks only https, and logs
numbers (measured with 4.9). Nor are its models of answers: they hide a number's callbacks, and one foreign
application with an unusual setting makes the whole list unreadable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NoReturn

from vonage_application import (
    Application,
    ApplicationConfig,
    Capabilities,
    ListApplicationsFilter,
    Voice,
    VoiceUrl,
    VoiceWebhooks,
)
from vonage_numbers import (
    ListOwnedNumbersFilter,
    NumberFeatures,
    NumberParams,
    Numbers,
    SearchAvailableNumbersFilter,
    UpdateNumberParams,
)
from vonage_numbers import NumberType as VonageType
from vonage_numbers.errors import NumbersError

from controller.api.business_tenant import Capability, NumberType
from controller.api.conditions import Reason
from controller.providers.errors import Terminal
from controller.providers.telephony.protocol import NumberSettings

LARGEST_PAGE: Final = 100
"""Numbers and applications on one page, at most."""

TYPES: Final = {
    NumberType.LOCAL: VonageType.LANDLINE,
    NumberType.MOBILE: VonageType.MOBILE_LVN,
    NumberType.TOLL_FREE: VonageType.LANDLINE_TOLL_FREE,
}
"""Vonage sells no national numbers."""

_FEATURES: Final = {
    frozenset({Capability.VOICE}): NumberFeatures.VOICE,
    frozenset({Capability.SMS}): NumberFeatures.SMS,
    frozenset({Capability.VOICE, Capability.SMS}): NumberFeatures.SMS_VOICE,
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one of Vonage's hosts. `operation` is for metrics: no names, no ids."""

    method: str
    host: str
    path: str
    operation: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json_body: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NumberSearch:
    """Digits as Vonage searches them: at the beginning of a number, or anywhere in it."""

    digits: str
    at_beginning: bool


class _ComposedError(Exception):
    """Carries the request out of the SDK."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.operation)
        self.request = request


class _Recorder:
    """Stands where the SDK expects its HTTP client; all that the SDK asks of it."""

    rest_host: Final = "rest.nexmo.com"
    api_host: Final = "api.nexmo.com"

    def get(
        self, host: str, path: str, params: Mapping[str, object] | None = None, _auth: str = "basic"
    ) -> NoReturn:
        raise _ComposedError(Request("GET", host, path, _operation("GET", path), params=_texts(params)))

    def post(
        self, host: str, path: str, body: Mapping[str, object], _auth: str = "basic", kind: str = "json"
    ) -> NoReturn:
        operation = _operation("POST", path)
        if kind == "form":
            raise _ComposedError(Request("POST", host, path, operation, form=_texts(body)))
        raise _ComposedError(Request("POST", host, path, operation, json_body=body))

    def put(self, host: str, path: str, body: Mapping[str, object], _auth: str = "basic") -> NoReturn:
        raise _ComposedError(Request("PUT", host, path, _operation("PUT", path), json_body=body))

    def delete(self, host: str, path: str, _body: None = None, _auth: str = "basic") -> NoReturn:
        raise _ComposedError(Request("DELETE", host, path, _operation("DELETE", path)))


_NUMBERS: Final = Numbers(_Recorder())
_APPLICATIONS: Final = Application(_Recorder())


def list_owned(page: int, *, msisdn: str | None = None, application_id: str | None = None) -> Request:
    """A page of the account's numbers, from 1: all, those beginning with `msisdn`, or those of an application."""
    wanted: dict[str, Any] = {"index": page, "size": LARGEST_PAGE}
    if msisdn is not None:
        wanted |= {"pattern": msisdn, "search_pattern": 0}
    if application_id is not None:
        wanted |= {"application_id": application_id}
    return _composed(lambda: _NUMBERS.list_owned_numbers(ListOwnedNumbersFilter(**wanted)))


def search_available(
    country: str,
    kind: NumberType,
    capabilities: frozenset[Capability],
    search: NumberSearch | None,
    *,
    size: int = LARGEST_PAGE,
) -> Request:
    """Numbers for sale of one of `TYPES`."""
    wanted: dict[str, Any] = {"country": country, "type": TYPES[kind], "size": size}
    features = _FEATURES.get(capabilities)
    if features is not None:
        wanted["features"] = features
    if search is not None:
        wanted |= {"pattern": search.digits, "search_pattern": 0 if search.at_beginning else 1}
    return _composed(lambda: _NUMBERS.search_available_numbers(SearchAvailableNumbersFilter(**wanted)))


def buy(country: str, msisdn: str) -> Request:
    return _composed(lambda: _NUMBERS.buy_number(NumberParams(country=country, msisdn=msisdn)))


def cancel(country: str, msisdn: str) -> Request:
    return _composed(lambda: _NUMBERS.cancel_number(NumberParams(country=country, msisdn=msisdn)))


def update(country: str, msisdn: str, *, application_id: str, sms_url: str, forward_to: str = "") -> Request:
    """Everything that we set on a number itself.

    Whether Vonage keeps or resets what is left out is not documented, so it is always sent in full.
    """
    wanted = {"country": country, "msisdn": msisdn, "app_id": application_id, "mo_http_url": sms_url}
    if forward_to:
        wanted |= {"voice_callback_type": "tel", "voice_callback_value": forward_to.removeprefix("+")}
    return _composed(lambda: _NUMBERS.update_number(UpdateNumberParams(**wanted)))


def list_applications(page: int) -> Request:
    wanted = ListApplicationsFilter(page_size=LARGEST_PAGE, page=page)
    return _composed(lambda: _APPLICATIONS.list_applications(wanted))


def fetch_application(application_id: str) -> Request:
    return _composed(lambda: _APPLICATIONS.get_application(application_id))


def create_application(settings: NumberSettings) -> Request:
    return _composed(lambda: _APPLICATIONS.create_application(_config(settings)))


def replace_application(application_id: str, settings: NumberSettings) -> Request:
    return _composed(lambda: _APPLICATIONS.update_application(application_id, _config(settings)))


def delete_application(application_id: str) -> Request:
    return _composed(lambda: _APPLICATIONS.delete_application(application_id))


def _config(settings: NumberSettings) -> ApplicationConfig:
    """The application of a label. Without any voice URL it has no voice capability."""
    urls = {
        "answer_url": settings.voice_url,
        "fallback_answer_url": settings.voice_fallback_url,
        "event_url": settings.status_callback_url,
    }
    # Vonage would ask an answer URL by GET, with the call in the query.
    webhooks = {name: VoiceUrl(address=url, http_method="POST") for name, url in urls.items() if url}
    voice = Voice(webhooks=VoiceWebhooks(**webhooks), signed_callbacks=True) if webhooks else None
    return ApplicationConfig(name=settings.label, capabilities=Capabilities(voice=voice))


def _composed(call: Callable[[], object]) -> Request:
    """The one request that a method of the SDK makes. Raises `Terminal` when the SDK finds a value unusable."""
    try:
        call()
    except _ComposedError as composed:
        return composed.request
    except (ValueError, NumbersError) as error:
        raise Terminal(
            "Vonage cannot be asked for this: a number, country or URL is not of the form that it takes.",
            reason=Reason.REFUSED,
        ) from error
    raise AssertionError("the Vonage SDK made no request")


def _operation(method: str, path: str) -> str:
    """`PUT /v2/applications/78d3...` -> `PUT /v2/applications/{id}`."""
    head, _, identifier = path.partition("/v2/applications/")
    return f"{method} {head}/v2/applications/{{id}}" if identifier else f"{method} {path}"


def _texts(values: Mapping[str, object] | None) -> dict[str, str]:
    return {name: _text(value) for name, value in (values or {}).items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()  # Vonage knows true and false, Python writes True
    return str(value.value if isinstance(value, Enum) else value)
