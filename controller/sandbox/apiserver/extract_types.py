"""Makes `kubernetes_types.json` from the Kubernetes sources: run once for each Kubernetes version.

    python -m controller.sandbox.apiserver.extract_types OPENAPI_DIRECTORY PROTO_FILE... > kubernetes_types.json

OPENAPI_DIRECTORY is `api/openapi-spec/v3` of k8s.io/kubernetes; the proto files are `generated.proto` of k8s.io/api
(core, apps, coordination, events, rbac, admissionregistration, authorization, authentication) and k8s.io/apimachinery
(meta, intstr, resource, runtime).
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

_GROUPS: Final = (
    "api__v1",
    "apis__admissionregistration.k8s.io__v1",
    "apis__apps__v1",
    "apis__authentication.k8s.io__v1",
    "apis__authorization.k8s.io__v1",
    "apis__coordination.k8s.io__v1",
    "apis__events.k8s.io__v1",
    "apis__rbac.authorization.k8s.io__v1",
)
_KINDS: Final = (
    *(
        f"io.k8s.api.core.v1.{kind}"
        for kind in ("ConfigMap", "Event", "Namespace", "Secret", "ServiceAccount")
    ),
    *(f"io.k8s.api.core.v1.{kind}" for kind in ("Node", "Pod", "Service")),
    "io.k8s.api.apps.v1.Deployment",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
    "io.k8s.api.coordination.v1.Lease",
    "io.k8s.api.events.v1.Event",
    *(f"io.k8s.api.rbac.v1.{kind}" for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")),
    "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
    "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    "io.k8s.api.authentication.v1.SelfSubjectReview",
)
_MESSAGE: Final = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_FIELD: Final = re.compile(
    r"^\s+(optional|repeated|map<string, [.\w]+>)\s*([.\w]*)\s+(\w+) = (\d+);", re.MULTILINE
)


def schemas(directory: Path) -> dict[str, Any]:
    """The schemas of the kinds and of everything they refer to, with the first sentence of each description."""
    known: dict[str, Any] = {}
    for group in _GROUPS:
        document = orjson.loads((directory / f"{group}_openapi.json").read_bytes())
        known |= document["components"]["schemas"]
    wanted, found = list(_KINDS), {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = _short(known[name])
            wanted += _references(known[name])
    return dict(sorted(found.items()))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key == "$ref" and isinstance(child, str):
                yield child.rpartition("/")[2]
            else:
                yield from _references(child)
    elif isinstance(value, list):
        for child in value:
            yield from _references(child)


def _short(schema: Any, *, is_properties: bool = False) -> Any:
    """With short descriptions, and without defaults that are only Go's zero values."""
    if isinstance(schema, list):
        return [_short(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if is_properties:
        return {name: _short(child) for name, child in schema.items()}
    short = {
        key: _short(child, is_properties=key == "properties")
        for key, child in schema.items()
        if key != "default" or child not in ({}, "", 0, False)
    }
    if isinstance(short.get("description"), str):
        short["description"] = (
            re.split(r"(?<=[a-z)`\"])\.\s", short["description"], maxsplit=1)[0].rstrip(".") + "."
        )
    return short


def messages(files: list[Path]) -> dict[str, dict[str, str]]:
    """Protobuf messages: field number -> `name:type`, `name:[]type` or `name:{}type`."""
    known: dict[str, dict[str, str]] = {}
    for file in files:
        text = re.sub(r"^\s*//.*\n", "", file.read_text(), flags=re.MULTILINE)
        package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
        if package is None:
            continue
        for name, body in _MESSAGE.findall(text):
            fields = {
                number: f"{field}:{_type(label, type_, package[1])}"
                for label, type_, field, number in _FIELD.findall(body)
            }
            known[f"{package[1]}.{name}"] = fields
    wanted = [f"k8s.io.{kind.removeprefix('io.k8s.')}" for kind in _KINDS]
    found: dict[str, dict[str, str]] = {}
    while wanted:
        name = wanted.pop()
        if name in known and name not in found:
            found[name] = known[name]
            wanted += [field.partition(":")[2].lstrip("[]{}") for field in known[name].values()]
    return dict(sorted(found.items()))


def _type(label: str, type_: str, package: str) -> str:
    prefix = {"optional": "", "repeated": "[]"}.get(label, "{}")
    if label.startswith("map"):
        type_ = label.partition(", ")[2].rstrip(">")
    if type_.startswith("."):
        return prefix + type_[1:]
    return prefix + (f"{package}.{type_}" if type_[0].isupper() else type_)


def main(arguments: list[str]) -> None:
    openapi, *protos = map(Path, arguments)
    document = {"schemas": schemas(openapi), "messages": messages(protos)}
    # One definition a line: a new version is a readable difference.
    for part, definitions in document.items():
        sys.stdout.write(f'{"{" if part == "schemas" else ","}"{part}":{{\n')
        lines = (
            f"{orjson.dumps(name).decode()}:{orjson.dumps(d).decode()}" for name, d in definitions.items()
        )
        sys.stdout.write(",\n".join(lines) + "\n}\n")
    sys.stdout.write("}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
