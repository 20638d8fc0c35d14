"""`EvolutionServer`: one Evolution API server, a pool of instances."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from controller.api.common_fields import (
    AllowedNamespaces,
    ApiModel,
    ClientLimits,
    Duration,
    HttpUrl,
    Identifier,
    ObjectReference,
    SecretKeyReference,
    Timestamp,
    list_atomic,
    list_map,
)
from controller.api.conditions import Condition
from controller.api.phone_provider import IrreversibleAct


class MetricsMode(StrEnum):
    AUTO = "Auto"
    OFF = "Off"


class ServerMetrics(ApiModel):
    """The server's /metrics, the one call that tells the live state of every instance."""

    mode: MetricsMode = Field(
        description="Auto: use /metrics where it answers. Off: the state comes from the server's database,"
        " which lags, and the server's condition says so."
    )
    basic_auth_secret_ref: ObjectReference | None = Field(
        None, description="Secret with keys username and password for /metrics. Left out: no authentication."
    )


class EvolutionServerSpec(ApiModel):
    """A server and how it may be used."""

    url: HttpUrl = Field(description="Base URL of the server, without a path.")
    api_key_secret_ref: SecretKeyReference = Field(
        description="Global API key of the server; the Secret is in the operator's namespace."
    )
    max_instances: Annotated[int, Field(ge=0, le=10000)] | None = Field(
        None, description="Instances at most, ours and others'. Left out: 500."
    )
    schedulable: bool | None = Field(
        None, description="False: keep what is there and place nothing new. Left out: true."
    )
    region: (
        Annotated[str, StringConstraints(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None
    ) = Field(None, description="Region that tenants may ask for. Left out: none.")
    allowed_namespaces: AllowedNamespaces | None = Field(
        None,
        description="Namespaces whose tenants may be placed here. Tenants keep what they have. Left out: all.",
    )
    default_webhook: HttpUrl | None = Field(
        None,
        description="Endpoint for tenants with route Webhook that name none. Left out: they must name one.",
    )
    session_timeout: Duration | None = Field(
        None,
        description="How long an instance may wait for pairing before its code is no longer refreshed."
        " Left out: 1h.",
    )
    metrics: ServerMetrics | None = Field(None, description="Use of /metrics. Left out: mode Auto.")
    limits: ClientLimits | None = Field(
        None, description="How much is asked of the server. Left out: 20/s, 8."
    )
    poll_interval: Duration | None = Field(
        None,
        description="How often the live state of all instances is read; their rows are listed ten times less"
        " often and after changes. Left out: 30s.",
    )
    lost: bool | None = Field(
        None,
        description="True: the server is gone for good; do not wait for it when looking for existing"
        " instances. Left out: false.",
    )


class OrphanInstance(ApiModel):
    """An instance named as ours are that no tenant has."""

    name: Identifier = Field(description="The instance.")
    since: Timestamp = Field(description="When it was first seen without a tenant.")


class EvolutionServerStatus(ApiModel):
    """What the operator observed."""

    conditions: Annotated[list[Condition], Field(max_length=8)] | None = Field(
        None, description="Ready.", json_schema_extra=list_map("type")
    )
    version: Annotated[str, StringConstraints(max_length=63)] | None = Field(None, description="Its version.")
    client_name: Identifier | None = Field(None, description="Name under which it owns its instances.")
    tenants: Annotated[int, Field(ge=0)] | None = Field(None, description="Tenants with an instance here.")
    instances: Annotated[int, Field(ge=0)] | None = Field(None, description="Instances, ours and others'.")
    connected: Annotated[int, Field(ge=0)] | None = Field(None, description="Instances that are open.")
    capacity: Annotated[int, Field(ge=0)] | None = Field(None, description="Instances it may hold.")
    orphans: Annotated[list[OrphanInstance], Field(max_length=256)] | None = Field(
        None,
        description="Instances named as ours are that no tenant of this cluster has: retained ones, and those of"
        " another cluster on the same server. Never deleted by themselves.",
        json_schema_extra=list_map("name"),
    )
    recent_irreversible: Annotated[list[IrreversibleAct], Field(max_length=64)] | None = Field(
        None, description="Irreversible acts of the last hour.", json_schema_extra=list_atomic()
    )
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Generation of the spec that was last reconciled."
    )


class EvolutionServer(ApiModel):
    """One Evolution API server on which instances are placed."""

    spec: EvolutionServerSpec = Field(description="The server and how it may be used.")
    status: EvolutionServerStatus | None = Field(None, description="What the operator observed.")


SHORT_NAMES: Final = ("evo",)
PRINTER_COLUMNS: Final[tuple[dict[str, Any], ...]] = (
    {"name": "URL", "type": "string", "jsonPath": ".spec.url"},
    {"name": "Version", "type": "string", "jsonPath": ".status.version"},
    {"name": "Instances", "type": "integer", "jsonPath": ".status.instances"},
    {"name": "Connected", "type": "integer", "jsonPath": ".status.connected"},
    {"name": "Capacity", "type": "integer", "jsonPath": ".status.capacity"},
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {
        "name": "Message",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].message',
        "priority": 1,
    },
)
