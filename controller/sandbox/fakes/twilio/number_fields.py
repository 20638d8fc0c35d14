"""The fields of an owned number that its owner can change, and what happens when they are."""

import re
from collections.abc import Mapping

from controller.sandbox.fakes.twilio.errors import refused

Fields = dict[str, str | bool | None]

_LONGEST_FRIENDLY_NAME = 64
_URLS = ("VoiceUrl", "VoiceFallbackUrl", "SmsUrl", "SmsFallbackUrl", "StatusCallback")
_METHODS = (
    "VoiceMethod",
    "VoiceFallbackMethod",
    "SmsMethod",
    "SmsFallbackMethod",
    "StatusCallbackMethod",
)
_SIDS = {
    "AddressSid": "AD",
    "BundleSid": "BU",
    "IdentitySid": "RI",
    "EmergencyAddressSid": "AD",
    "SmsApplicationSid": "AP",
    "VoiceApplicationSid": "AP",
    "TrunkSid": "TK",
}
_NEVER_NULL = ("SmsApplicationSid", "VoiceApplicationSid")
"""SIDs that are an empty text, not null, when unset."""

CHANGEABLE = ("FriendlyName", *_URLS, *_METHODS, *_SIDS, "VoiceReceiveMode", "EmergencyStatus")


def json_name(parameter: str) -> str:
    """`VoiceUrl` is `voice_url` in answers."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).lower()


def new_fields(friendly_name: str) -> Fields:
    """Return the fields of a number just bought."""
    fields: Fields = {"friendly_name": friendly_name}
    fields |= {json_name(name): "" for name in _URLS}
    fields |= {json_name(name): "POST" for name in _METHODS}
    fields |= {json_name(name): "" if name in _NEVER_NULL else None for name in _SIDS}
    fields |= {"voice_receive_mode": "voice", "emergency_status": "Inactive", "voice_caller_id_lookup": False}
    return fields


def apply_fields(fields: Fields, form: Mapping[str, str]) -> None:
    """Write what was sent: a field left out stays, an empty one is cleared.

    A trunk and a voice application exclude each other: setting one clears the other, and either makes Twilio
    ignore the voice URLs (which stay as they are). Raises TwilioError, and then changes nothing.
    """
    _check(form)
    for name in CHANGEABLE:
        if name not in form:
            continue
        value = form[name]
        fields[json_name(name)] = value or (None if name in _SIDS and name not in _NEVER_NULL else "")
    if "VoiceCallerIdLookup" in form:
        fields["voice_caller_id_lookup"] = form["VoiceCallerIdLookup"].lower() == "true"
    if form.get("TrunkSid"):
        fields["voice_application_sid"] = ""
    elif form.get("VoiceApplicationSid"):
        fields["trunk_sid"] = None


def _check(form: Mapping[str, str]) -> None:
    if len(form.get("FriendlyName", "")) > _LONGEST_FRIENDLY_NAME:
        raise refused(20001, f"FriendlyName is longer than {_LONGEST_FRIENDLY_NAME} characters")
    for name in _URLS:
        if form.get(name) and re.match(r"https?://[^/\s]+", form[name]) is None:
            raise refused(21402, f"{name} is not valid: {form[name]}")
    for name in _METHODS:
        if form.get(name) and form[name].upper() not in ("GET", "POST"):
            raise refused(21403, f"{name} is not valid: {form[name]}")
    for name, prefix in _SIDS.items():
        if form.get(name) and re.fullmatch(prefix + "[0-9a-fA-F]{32}", form[name]) is None:
            raise refused(20001, f"{name} is not valid: {form[name]}")
