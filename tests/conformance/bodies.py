"""Objects that the server accepts; tests change what they are about."""

from pathlib import Path
from typing import Any

import yaml

from tests.conformance.api_client import GROUP, Body

ROOT = Path(__file__).parents[2]
API_VERSION = f"{GROUP}/v1alpha1"
ACCOUNT_SID = "AC" + "0" * 32

NUMBER = {"country": "LV", "type": "Local"}
WHATSAPP = {"channel": "Baileys"}


def tenant(name: str = "cafe", *, labels: dict[str, str] | None = None, **spec: Any) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": "BusinessTenant",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "spec": {"business": {"name": "Cafe"}, **spec},
    }


def provider(name: str, **spec: Any) -> Body:
    account = {"accountSID": ACCOUNT_SID, "credentialsSecretRef": {"name": "twilio"}}
    return {
        "apiVersion": API_VERSION,
        "kind": "PhoneProvider",
        "metadata": {"name": name},
        "spec": {"type": "Twilio", "twilio": account, **spec},
    }


def server(name: str, **spec: Any) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": "EvolutionServer",
        "metadata": {"name": name},
        "spec": {
            "url": "http://evolution-api:8080",
            "apiKeySecretRef": {"name": "evolution", "key": "apiKey"},
            **spec,
        },
    }


def core(kind: str, name: str, **content: Any) -> Body:
    """An object of the core group; `metadata` adds to its metadata."""
    metadata = {"name": name, **content.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def condition(type_: str, status: str = "True", **more: Any) -> Body:
    return {
        "type": type_,
        "status": status,
        "reason": "Tested",
        "message": "Said by a test.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        **more,
    }


def definitions() -> list[Body]:
    """Our CustomResourceDefinitions."""
    return [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]


def manifests(*patterns: str) -> list[Body]:
    """The objects of the files that match, relative to `manifests`, without what is for kustomize only."""
    paths = sorted(path for pattern in patterns for path in (ROOT / "manifests").glob(pattern))
    documents = (document for path in paths for document in yaml.safe_load_all(path.read_text()))
    return [document for document in documents if document and document["kind"] != "Kustomization"]
