"""What a request asks for: its path, its query, its Accept header."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from . import errors, field_errors


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """`/apis/G/V/namespaces/N/PLURAL/NAME/SUBRESOURCE`, whatever parts of it are there."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def parse_resource_path(path: str) -> ResourcePath | None:
    """The parts of a path below `/api/v1/` or `/apis/GROUP/VERSION/`; None for any other."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return None
    namespace = ""
    # Below a namespace's own name only its subresources are not kinds.
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:  # noqa: PLR2004
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:  # noqa: PLR2004 - kind, name, subresource
        return None
    plural, name, subresource = (*rest, "", "")[:3]
    return ResourcePath(group, version, plural, namespace, name, subresource)


class FieldValidation(enum.StrEnum):
    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


@dataclass(slots=True)
class WriteOptions:
    """The options of create, update, patch and apply, and the warnings they gather on the way."""

    dry_run: bool = False
    field_validation: FieldValidation = FieldValidation.WARN
    field_manager: str = ""
    named_manager: bool = False
    """Whether the client named its manager itself."""
    force: bool = False
    warnings: list[str] = field(default_factory=list)


def write_options(query: Mapping[str, str], user_agent: str, kind: str) -> WriteOptions:
    """Read the options of a write; `kind` is the name of such options (`CreateOptions`).

    Raises:
        ApiError: 422 for a value that is not one of those allowed.

    """
    problems = []
    dry_run = query.get("dryRun", "")
    if dry_run not in {"", "All"}:
        problems.append(field_errors.not_supported("dryRun", [dry_run], ["All"]))
    validation = query.get("fieldValidation", "") or "Warn"
    if validation not in {member.value for member in FieldValidation}:
        allowed = ["", *sorted(FieldValidation)]
        problems.append(field_errors.not_supported("fieldValidation", validation, allowed))
    if problems:
        raise errors.invalid("meta.k8s.io", kind, "", problems)
    return WriteOptions(
        dry_run=dry_run == "All",
        field_validation=FieldValidation(validation),
        # As the real server: without fieldManager the manager is the client's program name.
        field_manager=query.get("fieldManager") or user_agent.partition("/")[0] or "unknown",
        named_manager=bool(query.get("fieldManager")),
        force=is_true(query.get("force", "")),
    )


def is_true(value: str) -> bool:
    """A boolean query parameter: clients write `true`, `True` or `1`."""
    return value.lower() in {"true", "1"}


def integer(query: Mapping[str, str], name: str) -> int:
    """A non-negative integer of the query, 0 when it is left out.

    Raises:
        ApiError: 400 when it is no integer.

    """
    text = query.get(name, "") or "0"
    if not text.isdigit():
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def resource_version(query: Mapping[str, str]) -> int | None:
    """The resourceVersion of the query: None when it is left out, 0 for "any".

    Raises:
        ApiError: 400 when it is no number.

    """
    text = query.get("resourceVersion", "")
    if not text:
        return None
    if not text.isdigit():
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise errors.bad_request(f'invalid resource version: resourceVersion: Invalid value: "{text}": {why}')
    return int(text)


class Form(enum.Enum):
    """In what form the answer is wanted."""

    OBJECT = enum.auto()
    TABLE = enum.auto()
    METADATA = enum.auto()
    METADATA_LIST = enum.auto()


_FORMS: Final = {
    "Table": Form.TABLE,
    "PartialObjectMetadata": Form.METADATA,
    "PartialObjectMetadataList": Form.METADATA_LIST,
}
_FORM_VERSIONS: Final = frozenset({"v1", "v1beta1"})
_JSON_TYPES: Final = frozenset({"application/json", "application/*", "*/*", "", "application/yaml"})
_SUPPORTED: Final = ("application/json", "application/yaml")


@dataclass(frozen=True, slots=True)
class Wanted:
    form: Form
    version: str = "v1"
    yaml: bool = False


def wanted_form(accept: str) -> Wanted:
    """The first form named in an Accept header that this server speaks.

    Raises:
        ApiError: 406 when it names none (only protobuf, say).

    """
    for choice in accept.split(","):
        media_type, *parameters = (part.strip() for part in choice.split(";"))
        if media_type not in _JSON_TYPES:
            continue
        given = dict(parameter.partition("=")[::2] for parameter in parameters)
        if given.get("as") in _FORMS and given.get("g") == "meta.k8s.io" and given.get("v") in _FORM_VERSIONS:
            return Wanted(_FORMS[given["as"]], given["v"])
        if "as" not in given:
            return Wanted(Form.OBJECT, yaml=media_type == "application/yaml")
    raise errors.not_acceptable(_SUPPORTED)
