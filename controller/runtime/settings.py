"""Everything that can be set when the operator is started.

Flags, environment variables and the reference page are made from the fields of `Settings`: each one's help
says what it does and what follows from changing it.
"""

# ruff: noqa: RUF009 - `_setting` is `dataclasses.field` with its help

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from datetime import timedelta
from typing import Any, Final, Self, get_type_hints

from controller.api.common_fields import parse_duration
from controller.runtime.structured_logs import LogFormat, LogLevel

VARIABLE_PREFIX: Final = "TENANT_OPERATOR_"
_DEFAULT_NAMESPACE: Final = "tenant-system"
_CLUSTER_ID: Final = re.compile(r"[a-z0-9-]{1,16}")
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION: Final = re.compile(r"([0-9]+[hms])+")
_MOST_SHARDS: Final = 256
_HTTP_URL: Final = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_GRAPH_VERSION: Final = re.compile(r"v[0-9]+\.[0-9]+")
_LARGEST_PORT: Final = 65535


class SettingsError(ValueError):
    """A setting has an impossible value; the message names it and says what is possible."""


def _setting(help_text: str, **default: Any) -> Any:
    return field(metadata={"help": help_text}, **default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one operator process runs. Raises SettingsError for impossible values."""

    cluster_id: str = _setting(
        "Name of this cluster in the marks on numbers and instances, 1 to 16 characters of a-z, 0-9 and"
        " -. Required. It must differ between clusters that share an account, and never change: numbers"
        " and instances marked with another id are taken for another cluster's and are not touched."
    )
    operator_namespace: str = _setting(
        "Namespace of the operator: claims on numbers stand there, and providers' and servers' Secrets"
        " are read only from there. Default: $POD_NAMESPACE, otherwise tenant-system.",
        default=_DEFAULT_NAMESPACE,
    )
    namespaces: tuple[str, ...] = _setting(
        "Namespaces whose tenants are managed, separated by commas. Default: all. With a list, roles in"
        " those namespaces are enough; tenants elsewhere are neither managed nor counted, so two"
        " operators with different lists need different cluster ids.",
        default=(),
    )
    kubeconfig: str = _setting(
        "Path of the kubeconfig. Default: the pod's service account in a cluster, otherwise $KUBECONFIG"
        " or ~/.kube/config.",
        default="",
    )
    context: str = _setting("Context of the kubeconfig. Default: its current context.", default="")
    workers: int = _setting(
        "Tenants worked on at the same time. Default: 64. Most of a worker's time is waiting for"
        " providers; more workers help only while queue_wait_seconds grows and providers' limits are not"
        " reached.",
        default=64,
    )
    workers_per_account: int = _setting(
        "Workers that one provider account or Evolution server may take while others have work."
        " Default: 16. Higher: a slow account delays the others more. Lower: one large account takes"
        " longer.",
        default=16,
    )
    workers_reserved: int = _setting(
        "Workers that no account may borrow beyond its own. Default: 24. 0: a slow account alone can"
        " take every worker, and an edit elsewhere then waits for one of its requests to end.",
        default=24,
    )
    api_concurrency: int = _setting(
        "Requests to the Kubernetes API server at the same time, watches not counted. Default: 64, one a"
        " worker. Fewer spare a small API server while many tenants come at once, and make them wait longer.",
        default=64,
    )
    number_poll_interval: timedelta = _setting(
        "How often an account's numbers are listed where its PhoneProvider does not say. Default: 5m."
        " This is how long a number that was changed or released elsewhere goes unseen.",
        default=timedelta(minutes=5),
    )
    instance_poll_interval: timedelta = _setting(
        "How often the live state of a server's instances is read where its EvolutionServer does not"
        " say. Default: 30s. This is how long a lost WhatsApp connection goes unseen.",
        default=timedelta(seconds=30),
    )
    deep_check_interval: timedelta = _setting(
        "How often what no list shows (webhook, profile) is compared for each tenant, spread evenly."
        " Default: 30m. Shorter repairs drift sooner and costs one or more requests a tenant each time.",
        default=timedelta(minutes=30),
    )
    sale_check_interval: timedelta = _setting(
        "How often a tenant whose number nobody sells, or nobody sells within its bounds, looks again."
        " Default: 10m. Shorter finds new stock sooner and costs a search a waiting tenant each time.",
        default=timedelta(minutes=10),
    )
    resync_jitter: float = _setting(
        "Part of an interval by which each tenant's next look is moved at random, 0 to 0.5. Default:"
        " 0.1. 0: tenants that started together stay together, and so do their requests.",
        default=0.1,
    )
    shards: int = _setting(
        "Parts into which the tenants are divided for replicas to share out among themselves; the same in all of"
        " them. Default: 16. More parts share more evenly among many replicas. 0: this process works on everything;"
        " never with more than one.",
        default=16,
    )
    lease_duration: timedelta = _setting(
        "How long a replica that died keeps its part of the tenants. Default: 15s; it says that it lives three"
        " times in that. Shorter goes on sooner after a crash, and takes a slow API server for one.",
        default=timedelta(seconds=15),
    )
    retain_timeout: timedelta = _setting(
        "How long a deletion that keeps its number and instance tries to silence them. Default: 10m."
        " After it the tenant goes and an event says what was left as it was.",
        default=timedelta(minutes=10),
    )
    irreversible_per_hour: int = _setting(
        "Irreversible acts (numbers released, instances deleted that were paired) an hour for each"
        " provider or server. Default: 5. Beyond it deletions wait for the next hour or an approval; 0:"
        " each needs one.",
        default=5,
    )
    repairs_per_hour: int = _setting(
        "How often one field of one tenant is repaired within an hour. Default: 3. Beyond it somebody"
        " else is taken to be writing it on purpose: the operator stops repairing and says so.",
        default=3,
    )
    meta_base_url: str = _setting(
        "Address of Meta's Graph API. Default: https://graph.facebook.com. Another one is for a gateway of"
        " your own or a sandbox; every tenant's access token is sent there.",
        default="https://graph.facebook.com",
    )
    meta_api_version: str = _setting(
        "Version of the Graph API that is asked. Default: v26.0. Meta serves a version for about two years;"
        " a newer one may answer differently from what this release was tested with.",
        default="v26.0",
    )
    drain_timeout: timedelta = _setting(
        "How long running work may go on after the process was told to stop. Default: 20s. It must be"
        " below the pod's terminationGracePeriodSeconds (30); what is cut off is resumed by the next"
        " process.",
        default=timedelta(seconds=20),
    )
    probe_address: str = _setting(
        "Address on which /healthz, /readyz and /metrics are served. Default: 0.0.0.0, because the"
        " kubelet and Prometheus come from outside the pod.",
        default="0.0.0.0",
    )
    probe_port: int = _setting("Port of /healthz, /readyz and /metrics. Default: 8080.", default=8080)
    pairing_address: str = _setting(
        "Address on which people get codes to pair with (docs/pairing.md). Default: 0.0.0.0, because they"
        " come through a Service or a port-forward. Every request must carry a Kubernetes token.",
        default="0.0.0.0",
    )
    pairing_port: int = _setting(
        "Port on which people get codes to pair with. Default: 8081. 0: nobody can; WhatsApp is then paired"
        " on the Evolution server itself.",
        default=8081,
    )
    log_format: LogFormat = _setting(
        "logfmt (key=value, for people) or json (for log collectors). Default: logfmt.",
        default=LogFormat.LOGFMT,
    )
    log_level: LogLevel = _setting(
        "debug, info, warning or error. Default: info, which tells every change made outside. With"
        " warning the log no longer shows what was bought or deleted.",
        default=LogLevel.INFO,
    )

    def __post_init__(self) -> None:
        self._check_names()
        for name in ("workers", "workers_per_account", "api_concurrency", "repairs_per_hour"):
            self._require(name, getattr(self, name) >= 1, "must be at least 1")
        self._require(
            "workers_per_account", self.workers_per_account <= self.workers, "must not be above workers"
        )
        self._require(
            "workers_reserved",
            0 <= self.workers_reserved < self.workers,
            "must be 0 or more and below workers",
        )
        self._require("shards", 0 <= self.shards <= _MOST_SHARDS, f"must be between 0 and {_MOST_SHARDS}")
        self._require("irreversible_per_hour", self.irreversible_per_hour >= 0, "must not be negative")
        self._require("resync_jitter", 0.0 <= self.resync_jitter <= 0.5, "must be between 0 and 0.5")  # noqa: PLR2004
        for name in ("probe_port", "pairing_port"):
            self._require(name, 0 <= getattr(self, name) <= _LARGEST_PORT, "must be a port, 0 to 65535")
        same_port = self.pairing_port != 0 and self.pairing_port == self.probe_port
        self._require("pairing_port", not same_port, "must not be the probe port")
        self._require(
            "meta_base_url",
            _HTTP_URL.fullmatch(self.meta_base_url) is not None,
            "must be a URL that begins with https:// or http://",
        )
        self._require(
            "meta_api_version",
            _GRAPH_VERSION.fullmatch(self.meta_api_version) is not None,
            "must be a version of the Graph API, such as v26.0",
        )
        for name in (
            "number_poll_interval",
            "instance_poll_interval",
            "deep_check_interval",
            "sale_check_interval",
            "lease_duration",
        ):
            self._require(name, getattr(self, name) >= timedelta(seconds=1), "must be 1s or more")

    def _check_names(self) -> None:
        self._require(
            "cluster_id",
            _CLUSTER_ID.fullmatch(self.cluster_id) is not None,
            "must be 1 to 16 characters of a-z, 0-9 and -, such as eu-1",
        )
        for namespace in (self.operator_namespace, *self.namespaces):
            self._require(
                "namespaces" if namespace in self.namespaces else "operator_namespace",
                _DNS_LABEL.fullmatch(namespace) is not None,
                "must be the name of a namespace",
            )

    def _require(self, name: str, holds: bool, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            message = f"--{name.replace('_', '-')} {rule}; it is {_as_text(getattr(self, name)) or 'empty'}."
            raise SettingsError(message)

    @classmethod
    def from_texts(cls, given: Mapping[str, str]) -> Self:
        """Settings from texts by field name, as flags and variables hold them. Raises SettingsError."""
        values = {}
        for setting in setting_fields():
            if setting.name in given:
                values[setting.name] = setting.parse(given[setting.name])
            elif setting.default is None:
                message = f"--{setting.flag} or ${setting.variable} is required. {setting.help}"
                raise SettingsError(message)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting as flags, variables and the reference page show it; `default` is None for a required
    one.
    """

    name: str
    help: str
    default: str | None
    parse: Callable[[str], Any]

    @property
    def flag(self) -> str:
        """Name of the flag, without its dashes."""
        return self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return f"{VARIABLE_PREFIX}{self.name.upper()}"


def setting_fields() -> tuple[SettingField, ...]:
    """All settings, in the order in which they are shown."""
    types = get_type_hints(Settings)
    return tuple(
        SettingField(
            name=item.name,
            help=item.metadata["help"],
            default=None if item.default is MISSING else _as_text(item.default),
            parse=_parser(item.name, types[item.name]),
        )
        for item in dataclasses.fields(Settings)
    )


def texts_from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What the environment's variables set, by field name; for `Settings.from_texts`."""
    texts = {
        setting.name: environment[setting.variable]
        for setting in setting_fields()
        if environment.get(setting.variable)
    }
    if environment.get("POD_NAMESPACE"):
        texts.setdefault("operator_namespace", environment["POD_NAMESPACE"])
    return texts


def _parser(name: str, kind: Any) -> Callable[[str], Any]:
    """Reads a setting's text; the function raises SettingsError."""
    expected = {
        int: "a whole number",
        float: "a number",
        timedelta: "a duration such as 30s, 5m or 1h30m",
        LogFormat: f"one of {', '.join(LogFormat)}",
        LogLevel: f"one of {', '.join(LogLevel)}",
    }

    def parse(text: str) -> Any:
        try:
            if kind is timedelta:
                return _duration(text)
            if kind == tuple[str, ...]:
                return tuple(part.strip() for part in text.split(",") if part.strip())
            return kind(text)
        except ValueError as error:
            message = f"--{name.replace('_', '-')} must be {expected[kind]}; it is {text!r}."
            raise SettingsError(message) from error

    return parse


def _duration(text: str) -> timedelta:
    if not _DURATION.fullmatch(text):
        message = f"{text!r} is not a duration."
        raise ValueError(message)
    return parse_duration(text)


def _as_text(value: object) -> str:
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
        return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)
