"""Field types that several kinds share, with the bounds that the API server needs to price CEL rules."""

import re
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_INITIALISMS: Final = {
    "url": "URL",
    "id": "ID",
    "sid": "SID",
    "api": "API",
    "ai": "AI",
    "jids": "JIDs",
    "sms": "SMS",
}


def wire_name(python_name: str) -> str:
    """`phone_number_id` -> `phoneNumberID`: camelCase, initialisms whole, the first word in lower case."""
    first, *rest = python_name.split("_")
    return first + "".join(_INITIALISMS.get(word, word.capitalize()) for word in rest)


class ApiModel(BaseModel):
    """Base of everything users write or read. Unknown fields are ignored: the API server prunes them."""

    model_config = ConfigDict(
        alias_generator=wire_name, populate_by_name=True, extra="ignore", frozen=True, use_enum_values=False
    )

    def to_wire(self) -> dict[str, Any]:
        """JSON-ready dictionary with the names of the API; fields that are None are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules as `(expression, message)` for `json_schema_extra`."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def list_set() -> dict[str, Any]:
    """Declare a list of scalars in which a value stands once and the order says nothing to appliers."""
    return {"x-kubernetes-list-type": "set"}


def list_map(*keys: str) -> dict[str, Any]:
    """Declare a list of objects that are told apart by the fields named."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def list_atomic() -> dict[str, Any]:
    """Declare a list that one applier owns as a whole."""
    return {"x-kubernetes-list-type": "atomic"}


ObjectName = Annotated[
    str, StringConstraints(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
]
SecretKey = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
HttpUrl = Annotated[
    str, StringConstraints(min_length=1, max_length=2048, pattern=r"^https?://[^\s/?#]+[^\s]*$")
]
E164 = Annotated[str, StringConstraints(max_length=16, pattern=r"^\+[1-9][0-9]{6,14}$")]
CountryCode = Annotated[str, StringConstraints(min_length=2, max_length=2, pattern=r"^[A-Z]{2}$")]
Duration = Annotated[str, StringConstraints(max_length=16, pattern=r"^([0-9]+(h|m|s))+$")]
Timestamp = Annotated[str, StringConstraints(max_length=40), Field(json_schema_extra={"format": "date-time"})]
Text = Annotated[str, StringConstraints(max_length=1024)]
Identifier = Annotated[str, StringConstraints(max_length=253)]
MarkText = Annotated[str, StringConstraints(max_length=255)]

_DURATION_PART: Final = re.compile(r"([0-9]+)(h|m|s)")
_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """`1h30m` -> 5,400 s. The schema's pattern has already refused anything else."""
    return timedelta(seconds=sum(int(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(text)))


class Money(ApiModel):
    """An amount in a currency."""

    amount: Annotated[str, StringConstraints(max_length=16, pattern=r"^[0-9]+(\.[0-9]{1,4})?$")] = Field(
        description="Decimal amount as a string, such as 4.00."
    )
    currency: Annotated[str, StringConstraints(max_length=3, pattern=r"^[A-Z]{3}$")] = Field(
        description="ISO 4217 code of the currency, such as USD."
    )

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> Self:
        """Write an amount with at least two digits after the point."""
        normal = amount.normalize()
        exponent = normal.as_tuple().exponent
        digits = max(2, -exponent) if isinstance(exponent, int) else 2
        return cls(amount=f"{amount:.{digits}f}", currency=currency)

    @property
    def decimal(self) -> Decimal:
        """The amount to calculate with."""
        return Decimal(self.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class ObjectReference(ApiModel):
    """Another object, by name."""

    name: ObjectName = Field(description="Name of the object.")


class SecretKeyReference(ApiModel):
    """One key of a Secret in the same namespace (cluster-scoped kinds: the operator's namespace)."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: SecretKey = Field(description="Key within the Secret's data.")


class NamespacesFrom(StrEnum):
    """Which namespaces an allowance speaks of."""

    ALL = "All"
    SELECTOR = "Selector"


class LabelOperator(StrEnum):
    """How a label is compared; the words of Kubernetes."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=317)]
LabelValue = Annotated[str, StringConstraints(max_length=63)]


class LabelRequirement(ApiModel):
    """One demand on labels."""

    key: LabelKey = Field(description="Key of the label.")
    operator: LabelOperator = Field(description="How its value is compared with `values`.")
    values: Annotated[list[LabelValue], Field(max_length=32)] | None = Field(
        None,
        description="With In and NotIn: the values to compare with. Left out: none.",
        json_schema_extra=list_atomic(),
    )


class LabelSelector(ApiModel):
    """Demands on labels, all of which must be met; the same as Kubernetes' own. Empty: met by all."""

    match_labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=32)] | None = Field(
        None, description="Labels that must have exactly these values. Left out: none."
    )
    match_expressions: Annotated[list[LabelRequirement], Field(max_length=32)] | None = Field(
        None, description="Further demands. Left out: none.", json_schema_extra=list_atomic()
    )


class AllowedNamespaces(ApiModel):
    """Namespaces whose tenants may be given something new."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.from == 'All' || has(self.selector)",
                "spec.allowedNamespaces.selector is needed with from Selector",
            ),
            (
                "self.from == 'Selector' || !has(self.selector)",
                "spec.allowedNamespaces.selector goes with from Selector",
            ),
        )
    )

    from_: NamespacesFrom = Field(
        description="All: every namespace. Selector: those whose labels fit `selector`."
    )
    selector: LabelSelector | None = Field(
        None, description="With from Selector: what the namespace's labels must be. Left out: with from All."
    )


class DeletionPolicy(StrEnum):
    """What becomes of the number when the tenant is deleted."""

    RETAIN = "Retain"
    RELEASE = "Release"


class ClientLimits(ApiModel):
    """How much we ask of one outside system at most; shared by all replicas."""

    requests_per_second: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="Requests a second, at most. Left out: the provider type's default."
    )
    concurrent: Annotated[int, Field(ge=1, le=256)] | None = Field(
        None, description="Requests under way at once, at most. Left out: 8."
    )
