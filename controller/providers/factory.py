"""The one place that picks an implementation by the type that a spec names."""

from collections.abc import Mapping
from typing import Final

from controller.api.common_fields import ClientLimits, SecretKeyReference
from controller.api.conditions import Reason
from controller.api.evolution_server import EvolutionServerSpec, MetricsMode
from controller.api.phone_provider import (
    PhoneProviderSpec,
    PhoneProviderType,
    TwilioCredentials,
)
from controller.api.phone_provider import (
    VonageAccount as VonageAccountSpec,
)
from controller.providers.clock import Clock
from controller.providers.errors import Terminal
from controller.providers.evolution.protocol import EvolutionServerClient
from controller.providers.limits import Limiter, Limits
from controller.providers.meta.protocol import MetaAccount
from controller.providers.telephony.protocol import TelephonyAccount
from controller.providers.transport import Observer, unobserved

_TELEPHONY_LIMITS: Final = {
    PhoneProviderType.TWILIO: Limits(requests_per_second=10, concurrent=8),
    # No limit is published for the Numbers API; one a second is what others found to be let through.
    PhoneProviderType.VONAGE: Limits(requests_per_second=1, concurrent=2),
}
_EVOLUTION_LIMITS: Final = Limits(requests_per_second=20, concurrent=8)
# Meta allows 5,000 management calls an hour for a business account with a registered number.
# https://developers.facebook.com/docs/graph-api/overview/rate-limiting
_META_LIMITS: Final = Limits(requests_per_second=1, concurrent=4, burst=20)
_AUTH_TOKEN_KEY: Final = "authToken"  # noqa: S105 - the name of a key, not its value
_API_KEY_KEY: Final = "apiKey"
_API_SECRET_KEY: Final = "apiSecret"  # noqa: S105 - likewise


def telephony_limiter(name: str, spec: PhoneProviderSpec, *, clock: Clock | None = None) -> Limiter:
    """The limits of a PhoneProvider named `name`. Keep it while the object lives: it remembers failures."""
    limits = _limits(spec.limits, _TELEPHONY_LIMITS[spec.type])
    return Limiter(f"PhoneProvider {name}", limits, unavailable=Reason.PROVIDER_UNAVAILABLE, clock=clock)


def evolution_limiter(name: str, spec: EvolutionServerSpec, *, clock: Clock | None = None) -> Limiter:
    """The limits of an EvolutionServer named `name`; keep it likewise."""
    limits = _limits(spec.limits, _EVOLUTION_LIMITS)
    return Limiter(f"EvolutionServer {name}", limits, unavailable=Reason.SERVER_UNAVAILABLE, clock=clock)


def meta_limiter(*, clock: Clock | None = None) -> Limiter:
    """The limits of one access token at Meta, for all numbers that use it; keep it likewise."""
    return Limiter("Meta", _META_LIMITS, unavailable=Reason.META_UNAVAILABLE, clock=clock)


def telephony_account(
    spec: PhoneProviderSpec,
    secret: Mapping[str, str],
    *,
    limiter: Limiter,
    observer: Observer = unobserved,
    clock: Clock | None = None,
) -> TelephonyAccount:
    """The account that a PhoneProvider describes. `secret` is the decoded data of the Secret that it names.

    Raises `Terminal`: `SECRET_NOT_FOUND` naming the missing key, `INVALID_SPEC` when the type's block is
    missing.
    """
    match spec.type:
        case PhoneProviderType.TWILIO:
            # Imported here because the SDK costs 16 MB, also where there is no such provider.
            from controller.providers.telephony.twilio import TwilioAccount  # noqa: PLC0415

            if spec.twilio is None:
                raise Terminal("spec.twilio is needed with type Twilio.", reason=Reason.INVALID_SPEC)
            token, key_sid, key_secret = _twilio_credentials(spec.twilio.credentials_secret_ref, secret)
            return TwilioAccount(
                account_sid=spec.twilio.account_sid,
                auth_token=token,
                api_key_sid=key_sid,
                api_key_secret=key_secret,
                base_url=spec.api_base_url,
                limiter=limiter,
                observer=observer,
                clock=clock,
            )
        case PhoneProviderType.VONAGE:
            # Imported here for the same reason: 10 MB.
            from controller.providers.telephony.vonage import VonageAccount  # noqa: PLC0415

            if spec.vonage is None:
                raise Terminal("spec.vonage is needed with type Vonage.", reason=Reason.INVALID_SPEC)
            api_key, api_secret = _vonage_credentials(spec.vonage, secret)
            return VonageAccount(
                api_key=api_key,
                api_secret=api_secret,
                base_url=spec.api_base_url,
                limiter=limiter,
                observer=observer,
                clock=clock,
            )


def evolution_client(
    spec: EvolutionServerSpec,
    api_key: str,
    *,
    limiter: Limiter,
    metrics_secret: Mapping[str, str] | None = None,
    observer: Observer = unobserved,
    clock: Clock | None = None,
) -> EvolutionServerClient:
    """The server that an EvolutionServer describes.

    `metrics_secret` is the decoded data of `spec.metrics.basicAuthSecretRef`, where there is one. Raises
    `Terminal` with `SECRET_NOT_FOUND` when a key is missing or empty.
    """
    from controller.providers.evolution.client import EvolutionClient  # noqa: PLC0415

    reference = spec.metrics.basic_auth_secret_ref if spec.metrics else None
    login = None
    if reference is not None:
        secret = metrics_secret or {}
        login = (_value(secret, reference.name, "username"), _value(secret, reference.name, "password"))
    return EvolutionClient(
        base_url=spec.url,
        api_key=_value(
            {spec.api_key_secret_ref.key: api_key}, spec.api_key_secret_ref.name, spec.api_key_secret_ref.key
        ),
        limiter=limiter,
        observer=observer,
        metrics_mode=spec.metrics.mode if spec.metrics else MetricsMode.AUTO,
        metrics_login=login,
        clock=clock,
    )


def meta_account(
    token_reference: SecretKeyReference,
    secret: Mapping[str, str],
    *,
    phone_number_id: str,
    business_account_id: str,
    limiter: Limiter,
    base_url: str | None = None,
    version: str | None = None,
    observer: Observer = unobserved,
    clock: Clock | None = None,
) -> MetaAccount:
    """A WhatsApp number at Meta. `secret` is the decoded data of the Secret that `token_reference` names.

    `base_url` and `version` replace Meta's current Graph API. Raises `Terminal`: `SECRET_NOT_FOUND` naming
    the missing key, `INVALID_SPEC` without one of the ids.
    """
    from controller.providers.meta.client import BASE_URL, VERSION, MetaClient  # noqa: PLC0415

    if not phone_number_id or not business_account_id:
        raise Terminal(
            "spec.whatsapp.cloudAPI: phoneNumberID and businessAccountID are needed together.",
            reason=Reason.INVALID_SPEC,
        )
    return MetaClient(
        phone_number_id=phone_number_id,
        business_account_id=business_account_id,
        access_token=_value(secret, token_reference.name, token_reference.key),
        base_url=base_url or BASE_URL,
        version=version or VERSION,
        limiter=limiter,
        observer=observer,
        clock=clock,
    )


def _twilio_credentials(reference: TwilioCredentials, secret: Mapping[str, str]) -> tuple[str, str, str]:
    """Auth token, API key SID, API key secret. An API key goes first when the spec names one."""
    if reference.api_key_sid_key is None and reference.api_key_secret_key is None:
        return _value(secret, reference.name, reference.auth_token_key or _AUTH_TOKEN_KEY), "", ""
    if reference.api_key_sid_key is None or reference.api_key_secret_key is None:
        raise Terminal(
            "spec.twilio.credentialsSecretRef: apiKeySIDKey and apiKeySecretKey are needed together.",
            reason=Reason.INVALID_SPEC,
        )
    sid = _value(secret, reference.name, reference.api_key_sid_key)
    return "", sid, _value(secret, reference.name, reference.api_key_secret_key)


def _vonage_credentials(account: VonageAccountSpec, secret: Mapping[str, str]) -> tuple[str, str]:
    """API key and API secret; the key from the spec where it stands there."""
    reference = account.credentials_secret_ref
    key = account.api_key or _value(secret, reference.name, reference.api_key_key or _API_KEY_KEY)
    return key, _value(secret, reference.name, reference.api_secret_key or _API_SECRET_KEY)


def _value(secret: Mapping[str, str], name: str, key: str) -> str:
    # A line break at the end is the commonest mistake in Secrets, and no credential has one.
    value = secret.get(key, "").strip()
    if not value:
        raise Terminal(f"Secret {name} has no key {key}, or it is empty.", reason=Reason.SECRET_NOT_FOUND)
    return value


def _limits(wanted: ClientLimits | None, default: Limits) -> Limits:
    if wanted is None:
        return default
    return Limits(
        requests_per_second=wanted.requests_per_second or default.requests_per_second,
        concurrent=wanted.concurrent or default.concurrent,
    )
