from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from controller.sandbox.apiserver import ApiServer

WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"


def widget_definition() -> dict[str, Any]:
    """A small kind: a bounded string, a status, a rule."""
    spec = {
        "type": "object",
        "properties": {"size": {"type": "string", "maxLength": 10}},
        "x-kubernetes-validations": [
            {"rule": "!has(self.size) || self.size != 'None'", "message": "no size"}
        ],
    }
    schema = {
        "type": "object",
        "properties": {
            "spec": spec,
            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
        },
    }
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [version],
        },
    }


def widget(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, **metadata},
        "spec": {"size": "Small"},
    }


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a fresh server that serves widgets."""
    server = ApiServer(bookmark_interval=0.05)
    server.install_crd(widget_definition())
    url = await server.start()
    async with httpx.AsyncClient(base_url=url) as client:
        yield client
    await server.stop()
