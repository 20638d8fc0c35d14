"""The three CustomResourceDefinitions, generated from the models.

`python -m controller.api.crd crds` writes them into the folder `crds`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from controller.api import business_tenant, evolution_server, phone_provider
from controller.api.common_fields import ApiModel
from controller.api.group import CATEGORY, GROUP, VERSION, Kind
from controller.api.structural_schema import Schema, structural_schema

HEADER: Final = "# Generated from controller/api by `make generate`; do not edit.\n"
_LINE_WIDTH: Final = 110
_FOLDED_FROM: Final = 80

_TYPE_META: Final[Mapping[str, Schema]] = {
    "apiVersion": {"description": f"Always {GROUP}/{VERSION}.", "type": "string"},
    "kind": {"description": "Name of the kind.", "type": "string"},
    "metadata": {"type": "object"},
}


class Scope(StrEnum):
    NAMESPACED = "Namespaced"
    CLUSTER = "Cluster"


@dataclass(frozen=True, slots=True)
class ServedKind:
    """A kind with what the API server must know besides its schema."""

    kind: Kind
    model: type[ApiModel]
    scope: Scope
    short_names: Sequence[str]
    columns: Sequence[Mapping[str, Any]]


SERVED_KINDS: Final = (
    ServedKind(
        kind=Kind.BUSINESS_TENANT,
        model=business_tenant.BusinessTenant,
        scope=Scope.NAMESPACED,
        short_names=business_tenant.SHORT_NAMES,
        columns=business_tenant.PRINTER_COLUMNS,
    ),
    ServedKind(
        kind=Kind.PHONE_PROVIDER,
        model=phone_provider.PhoneProvider,
        scope=Scope.CLUSTER,
        short_names=phone_provider.SHORT_NAMES,
        columns=phone_provider.PRINTER_COLUMNS,
    ),
    ServedKind(
        kind=Kind.EVOLUTION_SERVER,
        model=evolution_server.EvolutionServer,
        scope=Scope.CLUSTER,
        short_names=evolution_server.SHORT_NAMES,
        columns=evolution_server.PRINTER_COLUMNS,
    ),
)


def custom_resource_definitions() -> list[dict[str, Any]]:
    """The CRDs, ready to be applied.

    Raises `UnboundedSchemaError` when a model lacks a bound or a description.
    """
    return [_definition(served) for served in SERVED_KINDS]


def _definition(served: ServedKind) -> dict[str, Any]:
    plural = served.kind.plural
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": served.scope.value,
            "names": {
                "kind": served.kind.value,
                "listKind": f"{served.kind.value}List",
                "plural": plural,
                "singular": served.kind.value.lower(),
                "shortNames": list(served.short_names),
                "categories": [CATEGORY],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [dict(column) for column in served.columns],
                    "schema": {"openAPIV3Schema": _root_schema(served.model)},
                }
            ],
        },
    }


def _root_schema(model: type[ApiModel]) -> Schema:
    schema = structural_schema(model)
    return schema | {"properties": {**_TYPE_META, **schema["properties"]}}


class _ReadableDumper(yaml.SafeDumper):
    """Writes long texts folded, and repeats equal values instead of pointing at them with anchors."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = ">" if len(text) > _FOLDED_FROM and " " in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_ReadableDumper.add_representer(str, _represent_text)


def to_yaml(document: Mapping[str, Any]) -> str:
    """One YAML document with the header that says where it comes from; the same input gives the same text."""
    body: str = yaml.dump(
        document,
        Dumper=_ReadableDumper,
        sort_keys=False,
        default_flow_style=False,
        width=_LINE_WIDTH,
        allow_unicode=True,
    )
    return HEADER + body


def write_definitions(folder: Path) -> list[Path]:
    """Write one file a kind, named by its plural, and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for definition in custom_resource_definitions():
        path = folder / f"{definition['spec']['names']['plural']}.yaml"
        path.write_text(to_yaml(definition), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    write_definitions(Path(sys.argv[1]))
