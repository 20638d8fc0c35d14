"""The newest version of every tenant, as bytes, and who holds what outside.

Bodies are kept as packed JSON without what the engine never reads: as parsed dictionaries 10,000 of them take about
363 MB (measured). Packing and unpacking costs some hundredths of a millisecond, a pass costs ten times as much.
"""

import hashlib
import zlib
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from controller.api.group import TENANT_FINALIZER, Annotation
from controller.reconcile.ownership import Owner
from controller.reconcile.tenant_object import InvalidTenant, Tenant, TenantKey
from controller.runtime.first_lists import Needs
from controller.runtime.kube_wire import is_newer

FASTEST: Final = 1
_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "generation",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
)
_ANNOTATIONS: Final = frozenset(annotation.value for annotation in Annotation)


@dataclass(frozen=True, slots=True)
class _Holdings:
    """What a tenant holds outside and refers to, as far as its body tells."""

    number: str | None
    account: str | None
    instance: str | None
    server: str | None
    secrets: frozenset[str]
    config_maps: frozenset[str]
    unsettled: bool
    wants_number: bool
    wants_instance: bool
    named_account: str | None
    named_number: str | None
    named_instance: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class _Entry:
    body: bytes
    resource_version: str
    # What of a version makes the engine look: our own status write coming back has the same.
    relevance: bytes
    tenant_hash: str
    derived_instance: str
    holdings: _Holdings
    is_edited: bool


class TenantCache:
    """Implements `TenantIndex`; every look-up is a dictionary look-up."""

    def __init__(self, cluster_id: str) -> None:
        self._cluster_id = cluster_id
        self._entries: dict[TenantKey, _Entry] = {}
        self._by_number: dict[str, TenantKey] = {}
        self._by_account: dict[str, set[TenantKey]] = {}
        self._by_server: dict[str, dict[str, TenantKey]] = {}
        self._by_instance: dict[str, TenantKey] = {}
        self._by_hash: dict[str, TenantKey] = {}
        self._by_secret: dict[str, set[TenantKey]] = {}
        self._by_config_map: dict[str, set[TenantKey]] = {}
        self._naming_number: dict[str, dict[TenantKey, str]] = {}
        self._naming_instance: dict[str, dict[TenantKey, str]] = {}
        self._unsettled: set[TenantKey] = set()

    def put(self, body: Mapping[str, Any]) -> bool:
        """Take a version; answers whether it differs in what the engine acts on from the one before.

        An older version than the one held (a watch event behind our own write) is not taken.
        """
        metadata = body["metadata"]
        key = TenantKey(metadata["namespace"], metadata["name"])
        held = self._entries.get(key)
        if held is not None and not is_newer(metadata["resourceVersion"], held.resource_version):
            return False
        entry = self._entry(key, body)
        self._replace(key, held, entry)
        return held is None or held.relevance != entry.relevance

    def remove(self, key: TenantKey) -> None:
        """The object is gone."""
        self._replace(key, self._entries.get(key), None)

    def get(self, key: TenantKey) -> Tenant | InvalidTenant | None:
        """The newest version held."""
        entry = self._entries.get(key)
        return None if entry is None else Tenant.from_body(orjson.loads(zlib.decompress(entry.body)))

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[TenantKey]:
        return iter(list(self._entries))

    def is_edited(self, key: TenantKey) -> bool:
        """Whether somebody changed the spec since a pass looked at it last; a new tenant is not an edited one."""
        entry = self._entries.get(key)
        return entry is not None and entry.is_edited

    def needs(self, key: TenantKey) -> Needs | None:
        """Whose lists a pass over it is compared with; None for a tenant that is gone."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        held = entry.holdings
        return Needs(held.account, held.server, held.wants_number, held.wants_instance)

    def lane(self, key: Hashable) -> str | None:
        """The account or server a pass over a tenant waits for, also one that it only names; None for other keys."""
        entry = self._entries.get(key) if isinstance(key, TenantKey) else None
        if entry is None:
            return None
        return entry.holdings.account or entry.holdings.named_account or entry.holdings.server

    def referring_to_secret(self, namespace: str, name: str) -> Collection[TenantKey]:
        """Tenants that name the Secret, or whose token it holds."""
        return self._by_secret.get(f"{namespace}/{name}", ())

    def referring_to_config_map(self, namespace: str, name: str) -> Collection[TenantKey]:
        """Tenants that name the ConfigMap."""
        return self._by_config_map.get(f"{namespace}/{name}", ())

    def on_account(self, account: str) -> Collection[TenantKey]:
        return self._by_account.get(account, ())

    def on_server(self, server: str) -> Mapping[str, TenantKey]:
        return self._by_server.get(server, {})

    def holding_number(self, number: str) -> TenantKey | None:
        return self._by_number.get(number)

    def first_naming_number(self, number: str) -> TenantKey | None:
        return _oldest(self._naming_number.get(number))

    def first_naming_instance(self, name: str) -> TenantKey | None:
        return _oldest(self._naming_instance.get(name))

    def named(self, key: TenantKey) -> tuple[str | None, str | None]:
        """The number and the instance that the tenant's spec names to take over."""
        entry = self._entries.get(key)
        return (
            (entry.holdings.named_number, entry.holdings.named_instance)
            if entry is not None
            else (None, None)
        )

    def by_hash(self, tenant_hash: str) -> TenantKey | None:
        return self._by_hash.get(tenant_hash)

    def by_instance_name(self, name: str) -> TenantKey | None:
        return self._by_instance.get(name)

    def unsettled(self) -> Collection[TenantKey]:
        return self._unsettled

    def _entry(self, key: TenantKey, body: Mapping[str, Any]) -> _Entry:
        metadata = body["metadata"]
        kept = {name: metadata[name] for name in _METADATA if name in metadata}
        kept["annotations"] = {
            name: value for name, value in (metadata.get("annotations") or {}).items() if name in _ANNOTATIONS
        }
        spec, status = body.get("spec") or {}, body.get("status") or {}
        owner = Owner(self._cluster_id, key.namespace, key.name)
        return _Entry(
            body=zlib.compress(orjson.dumps({"metadata": kept, "spec": spec, "status": status}), FASTEST),
            resource_version=metadata["resourceVersion"],
            relevance=_relevance(metadata, kept["annotations"]),
            tenant_hash=owner.tenant_hash,
            derived_instance=owner.instance_name,
            holdings=_holdings(
                key, metadata.get("creationTimestamp", ""), _block(body, "spec"), _block(body, "status")
            ),
            is_edited=_block(body, "status").get("observedGeneration", metadata.get("generation"))
            != metadata.get("generation"),
        )

    def _replace(self, key: TenantKey, old: _Entry | None, new: _Entry | None) -> None:
        if new is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = new
        if old is not None and (new is None or old.holdings != new.holdings):
            self._unindex(key, old)
        if new is not None and (old is None or old.holdings != new.holdings):
            self._index(key, new)

    def _index(self, key: TenantKey, entry: _Entry) -> None:
        held = entry.holdings
        self._by_hash[entry.tenant_hash] = key
        self._by_instance[held.instance or held.named_instance or entry.derived_instance] = key
        if held.number is not None:
            self._by_number[held.number] = key
        if held.account is not None:
            self._by_account.setdefault(held.account, set()).add(key)
        if held.server is not None and held.instance is not None:
            self._by_server.setdefault(held.server, {})[held.instance] = key
        for secret in held.secrets:
            self._by_secret.setdefault(secret, set()).add(key)
        for config_map in held.config_maps:
            self._by_config_map.setdefault(config_map, set()).add(key)
        if held.named_number is not None:
            self._naming_number.setdefault(held.named_number, {})[key] = held.created_at
        if held.named_instance is not None:
            self._naming_instance.setdefault(held.named_instance, {})[key] = held.created_at
        if held.unsettled:
            self._unsettled.add(key)

    def _unindex(self, key: TenantKey, entry: _Entry) -> None:
        held = entry.holdings
        _drop(self._by_hash, entry.tenant_hash, key)
        _drop(self._by_instance, held.instance or held.named_instance or entry.derived_instance, key)
        if held.number is not None:
            _drop(self._by_number, held.number, key)
        if held.account is not None:
            self._by_account.get(held.account, set()).discard(key)
        if held.server is not None and held.instance is not None:
            _drop(self._by_server.get(held.server, {}), held.instance, key)
        for secret in held.secrets:
            self._by_secret.get(secret, set()).discard(key)
        for config_map in held.config_maps:
            self._by_config_map.get(config_map, set()).discard(key)
        if held.named_number is not None:
            self._naming_number.get(held.named_number, {}).pop(key, None)
        if held.named_instance is not None:
            self._naming_instance.get(held.named_instance, {}).pop(key, None)
        self._unsettled.discard(key)


def _oldest(naming: Mapping[TenantKey, str] | None) -> TenantKey | None:
    """Of the tenants that name the same thing the one that was created first has it."""
    return min(naming, key=lambda key: (naming[key], key)) if naming else None


def _drop(index: dict[str, TenantKey], name: str, key: TenantKey) -> None:
    """Remove an entry only while it is this tenant's: another may have taken the place."""
    if index.get(name) == key:
        del index[name]


def _relevance(metadata: Mapping[str, Any], annotations: Mapping[str, str]) -> bytes:
    parts = (
        metadata["uid"],
        metadata.get("generation"),
        metadata.get("deletionTimestamp"),
        sorted(annotations.items()),
        # `kubectl replace` strips it; without it a deletion would not wait for us.
        TENANT_FINALIZER in (metadata.get("finalizers") or ()),
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()


def _holdings(
    key: TenantKey, created_at: str, spec: Mapping[str, Any], status: Mapping[str, Any]
) -> _Holdings:
    number, instance = _block(status, "phoneNumber"), _block(status, "instance")
    ai = _block(spec, "ai")
    named = {*_named(ai, "SecretRef"), *_named(_block(spec, "whatsapp"), "SecretRef")}
    wants_number, wants_instance = spec.get("phoneNumber") is not None, spec.get("whatsapp") is not None
    lacks_number, lacks_instance = number.get("number") is None, not instance
    return _Holdings(
        number=number.get("number"),
        account=number.get("provider") or _block(number, "purchase").get("provider"),
        instance=instance.get("name"),
        server=instance.get("server"),
        secrets=frozenset(f"{key.namespace}/{name}" for name in {f"{key.name}-evolution", *named}),
        config_maps=frozenset(f"{key.namespace}/{name}" for name in _named(ai, "ConfigMapRef")),
        unsettled=(wants_number and lacks_number) or (wants_instance and lacks_instance),
        wants_number=wants_number,
        wants_instance=wants_instance,
        named_account=_block(_block(spec, "phoneNumber"), "providerRef").get("name"),
        named_number=_block(spec, "phoneNumber").get("number"),
        named_instance=_block(spec, "whatsapp").get("instanceName"),
        created_at=created_at,
    )


def _named(block: Mapping[str, Any], reference: str) -> Iterator[str]:
    """Names in all references of that sort in the block, however deep: what a route names is its own affair."""
    for field, value in block.items():
        if not isinstance(value, Mapping):
            continue
        if field.endswith(reference):
            name = value.get("name")
            if isinstance(name, str):
                yield name
        else:
            yield from _named(value, reference)


def _block(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A block of an object that no schema may have checked; what is no block counts as left out."""
    block = body.get(name)
    return block if isinstance(block, Mapping) else {}
