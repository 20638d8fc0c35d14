"""Field-level validation errors, worded as `k8s.io/apimachinery/pkg/util/validation/field` words them."""

import enum
import json
from dataclasses import dataclass
from typing import Any, Final

import orjson


class FieldErrorType(enum.Enum):
    """The cause (`metav1.CauseType`) and the words it begins with."""

    INVALID = ("FieldValueInvalid", "Invalid value")
    TYPE_INVALID = ("FieldValueTypeInvalid", "Invalid value")
    NOT_SUPPORTED = ("FieldValueNotSupported", "Unsupported value")
    DUPLICATE = ("FieldValueDuplicate", "Duplicate value")
    TOO_MANY = ("FieldValueTooMany", "Too many")
    REQUIRED = ("FieldValueRequired", "Required value")
    FORBIDDEN = ("FieldValueForbidden", "Forbidden")
    TOO_LONG = ("FieldValueTooLong", "Too long")
    INTERNAL = ("InternalError", "Internal error")

    @property
    def cause(self) -> str:
        return self.value[0]

    @property
    def words(self) -> str:
        return self.value[1]


_WITHOUT_VALUE: Final = frozenset(
    {FieldErrorType.REQUIRED, FieldErrorType.FORBIDDEN, FieldErrorType.TOO_LONG, FieldErrorType.INTERNAL}
)
# Schema errors after which a real API server does not run CEL rules.
_BLOCKS_RULES: Final = frozenset(
    {
        FieldErrorType.NOT_SUPPORTED,
        FieldErrorType.REQUIRED,
        FieldErrorType.TOO_LONG,
        FieldErrorType.TOO_MANY,
        FieldErrorType.TYPE_INVALID,
    }
)


class _Omitted(enum.Enum):
    OMITTED = enum.auto()


OMITTED: Final = _Omitted.OMITTED
"""The value of an error whose value is not shown."""


class GoStruct(dict[str, Any]):
    """A value whose fields are shown in the order given, not sorted."""


@dataclass(frozen=True, slots=True)
class FieldError:
    type: FieldErrorType
    field: str
    detail: str = ""
    value: Any = OMITTED

    @property
    def body(self) -> str:
        """The message without the field's path."""
        text = self.type.words
        if self.type not in _WITHOUT_VALUE and self.value is not OMITTED:
            text += f": {printed(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"

    @property
    def blocks_rules(self) -> bool:
        return self.type in _BLOCKS_RULES

    def as_cause(self) -> dict[str, str]:
        return {"reason": self.type.cause, "message": self.body, "field": self.field}


def printed(value: Any) -> str:
    """A value as Go prints it in such messages: strings quoted, compound values as sorted JSON."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return str(value)
        case float():
            return f"{value:g}"
        case GoStruct():
            return orjson.dumps(dict(value)).decode()
        case _:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(FieldErrorType.INVALID, field, detail, value)


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError(FieldErrorType.TYPE_INVALID, field, detail, value)


def not_supported(field: str, value: Any, supported: list[Any]) -> FieldError:
    names = (v if isinstance(v, str) else orjson.dumps(v).decode() for v in supported)
    detail = "supported values: " + ", ".join(json.dumps(name, ensure_ascii=False) for name in names)
    return FieldError(FieldErrorType.NOT_SUPPORTED, field, detail, value)


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError(FieldErrorType.DUPLICATE, field, "", value)


def required(field: str, detail: str = "") -> FieldError:
    return FieldError(FieldErrorType.REQUIRED, field, detail)


def forbidden(field: str, detail: str) -> FieldError:
    return FieldError(FieldErrorType.FORBIDDEN, field, detail)


def too_long(field: str, maximum: int) -> FieldError:
    unit = "byte" if maximum == 1 else "bytes"
    return FieldError(FieldErrorType.TOO_LONG, field, f"may not be more than {maximum} {unit}")


def too_many(field: str, actual: int, maximum: int) -> FieldError:
    unit = "item" if maximum == 1 else "items"
    return FieldError(FieldErrorType.TOO_MANY, field, f"must have at most {maximum} {unit}", actual)
