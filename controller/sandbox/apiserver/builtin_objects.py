"""What the server completes and refuses in objects of built-in kinds."""

import base64
import re
from collections.abc import Iterable
from typing import Final

from . import field_errors, names
from .field_errors import FieldError
from .resources import Body

_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+\Z")
_CONFIG_KEY_TEXT: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', "
    " or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_SERVICE_ACCOUNT_TOKEN: Final = "kubernetes.io/service-account-token"  # noqa: S105 - a type
_SERVICE_ACCOUNT_NAME: Final = "kubernetes.io/service-account.name"
_WANTED_KEYS: Final = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/basic-auth": ("username", "password"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}
_EVENT_WORD: Final = 128
_EVENT_NOTE: Final = 1024
_FROZEN: Final = "field is immutable when `immutable` is set"


def prepare_secret(body: Body, old: Body | None) -> None:
    plain = body.pop("stringData", None)
    if plain:
        body["data"] = (body.get("data") or {}) | {
            name: base64.b64encode(str(value).encode()).decode() for name, value in plain.items()
        }
    body.setdefault("type", old["type"] if old is not None else "Opaque")


def check_secret(body: Body, old: Body | None) -> list[FieldError]:
    found = _check_keys(body, ("data",)) + _check_typed_secret(body)
    if old is not None:
        if body.get("type") != old.get("type"):
            found.append(field_errors.invalid("type", body.get("type"), "field is immutable"))
        found += _check_frozen(body, old, ("data",))
    return found


def _check_typed_secret(body: Body) -> list[FieldError]:
    """Some types want keys; a login is complete with either of its two."""
    type_, data = body.get("type", ""), body.get("data") or {}
    if type_ == _SERVICE_ACCOUNT_TOKEN:
        annotated = (body["metadata"].get("annotations") or {}).get(_SERVICE_ACCOUNT_NAME)
        return [] if annotated else [field_errors.required(f"metadata.annotations[{_SERVICE_ACCOUNT_NAME}]")]
    if type_ == "kubernetes.io/basic-auth" and ({"username", "password"} & data.keys()):
        return []
    return [field_errors.required(f"data[{key}]") for key in _WANTED_KEYS.get(type_, ()) if key not in data]


def check_config_map(body: Body, old: Body | None) -> list[FieldError]:
    found = _check_keys(body, ("data", "binaryData"))
    found += [
        field_errors.invalid(f"data[{name}]", name, "duplicate of key present in binaryData")
        for name in body.get("data") or {}
        if name in (body.get("binaryData") or {})
    ]
    return found + _check_frozen(body, old, ("data", "binaryData")) if old is not None else found


def _check_keys(body: Body, fields: Iterable[str]) -> list[FieldError]:
    return [
        field_errors.invalid(f"{field}[{name}]", name, _CONFIG_KEY_TEXT)
        for field in fields
        for name in body.get(field) or {}
        if not _CONFIG_KEY.match(name)
    ]


def _check_frozen(body: Body, old: Body, fields: Iterable[str]) -> list[FieldError]:
    if not old.get("immutable"):
        return []
    found = [] if body.get("immutable") else [field_errors.forbidden("immutable", _FROZEN)]
    return found + [
        field_errors.forbidden(name, _FROZEN) for name in fields if body.get(name) != old.get(name)
    ]


def prepare_namespace(body: Body, old: Body | None) -> None:
    metadata = body["metadata"]
    if metadata.get("name"):
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    spec, status = body.setdefault("spec", {}), body.setdefault("status", {})
    if old is None:
        spec["finalizers"] = ["kubernetes"]
    else:
        body["spec"] = old["spec"]
    status["phase"] = "Terminating" if metadata.get("deletionTimestamp") else "Active"


def prepare_event(body: Body, _old: Body | None) -> None:
    """Go writes these also when they are empty."""
    for name in ("eventTime", "firstTimestamp", "lastTimestamp"):
        body.setdefault(name, None)
    body.setdefault("source", {})
    for name in ("reportingComponent", "reportingInstance"):
        body.setdefault(name, "")


def check_event(body: Body, _old: Body | None) -> list[FieldError]:
    namespace = (body.get("involvedObject") or {}).get("namespace", "")
    own = body["metadata"].get("namespace", "")
    # Events about cluster-scoped objects stand in the namespace "default".
    if namespace == own or (not namespace and own == "default"):
        return []
    return [field_errors.invalid("involvedObject.namespace", namespace, "does not match event.namespace")]


def check_event_v1(body: Body, old: Body | None) -> list[FieldError]:
    """What events.k8s.io/v1 asks of new events beyond what core/v1 does; fields go by their stored names."""
    found = check_event(body, old)
    if old is not None:
        return found
    if not body.get("eventTime"):
        found.append(field_errors.required("eventTime"))
    else:
        found += _check_event_texts(body)
    if body.get("type") not in {"Normal", "Warning"}:
        found.append(field_errors.invalid("type", "", f"has invalid value: {body.get('type', '')}"))
    return found + [
        field_errors.invalid(name, "", "needs to be unset")
        for name in ("firstTimestamp", "lastTimestamp", "count", "source")
        if body.get(name)
    ]


def _check_event_texts(body: Body) -> list[FieldError]:
    found: list[FieldError] = []
    controller = body.get("reportingComponent", "")
    if not controller:
        found.append(field_errors.required("reportingController"))
    found += [
        field_errors.invalid("reportingController", controller, text)
        for text in names.qualified_name_problems(controller)
    ]
    for name in ("reportingInstance", "action", "reason"):
        text = body.get(name, "")
        if not text:
            found.append(field_errors.required(name))
        elif len(text) > _EVENT_WORD:
            found.append(field_errors.invalid(name, "", f"can have at most {_EVENT_WORD} characters"))
    if len(body.get("message", "")) > _EVENT_NOTE:
        found.append(field_errors.invalid("message", "", f"can have at most {_EVENT_NOTE} characters"))
    return found


def check_lease(body: Body, _old: Body | None) -> list[FieldError]:
    spec = body.get("spec") or {}
    found: list[FieldError] = []
    if (duration := spec.get("leaseDurationSeconds")) is not None and duration <= 0:
        found.append(field_errors.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    if (transitions := spec.get("leaseTransitions")) is not None and transitions < 0:
        text = "must be greater than or equal to 0"
        found.append(field_errors.invalid("spec.leaseTransitions", transitions, text))
    return found


def check_role_binding(body: Body, old: Body | None) -> list[FieldError]:
    if old is None or body.get("roleRef") == old.get("roleRef"):
        return []
    given = body.get("roleRef") or {}
    shown = {name: given.get(name[0].lower() + name[1:], "") for name in ("Kind", "Name")}
    shown["APIGroup"] = given.get("apiGroup", "")
    return [field_errors.invalid("roleRef", shown, "cannot change roleRef")]
