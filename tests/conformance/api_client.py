"""A plain HTTP client: what goes over the wire is what a test says, without a client library's help."""

import itertools
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from kubernetes import client, config

Body = dict[str, Any]
"""An object as JSON."""

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

USER_AGENT = "conformance/1.0"
MANAGER = "conformance"
"""The field manager that the server derives from the user agent."""

READ_SECONDS = 20.0

GROUP = "x-sevenai.com"
GROUP_PATH = f"/apis/{GROUP}/v1alpha1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. `body` is empty where it is not JSON."""

    code: int
    body: Body
    text: str
    media_type: str
    warnings: tuple[str, ...]
    """The texts of the Warning headers."""

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", ""))

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status code, reason and message of a Status."""
        return (self.code, self.reason, self.message)

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        """Reason, field and message of each cause of a Status."""
        causes = self.body.get("details", {}).get("causes", [])
        return [(cause.get("reason", ""), cause.get("field", ""), cause["message"]) for cause in causes]

    @property
    def metadata(self) -> Body:
        return dict(self.body["metadata"])

    @property
    def revision(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def names(self) -> list[str]:
        """Names of a list's items."""
        return [item["metadata"]["name"] for item in self.body["items"]]

    def done(self) -> "Answer":
        """The same; AssertionError with what the server said when it is not a success."""
        assert self.code < httpx.codes.BAD_REQUEST, f"{self.code} {self.text}"
        return self


def _answer(response: httpx.Response) -> Answer:
    media_type = response.headers.get("Content-Type", "")
    return Answer(
        code=response.status_code,
        # Not by the media type: kube-apiserver calls the index of /openapi/v3 text.
        body=response.json() if response.text.startswith("{") else {},
        text=response.text,
        media_type=media_type,
        warnings=tuple(_warning_text(line) for line in response.headers.get_list("Warning")),
    )


def _warning_text(line: str) -> str:
    code, agent, text = line.split(" ", 2)
    assert (code, agent) == ("299", "-")
    return str(json.loads(text))


@dataclass(frozen=True, slots=True)
class WatchEvent:
    type: str
    object: Body

    @property
    def summary(self) -> tuple[str, str]:
        """The type and the object's name."""
        return (self.type, self.object["metadata"].get("name", ""))


class Watch:
    """A watch under way."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[WatchEvent]:
        """Events until the server ends the watch; httpx.ReadTimeout when nothing comes for too long."""
        for line in self._lines:
            event = json.loads(line)
            yield WatchEvent(event["type"], event["object"])

    def take(self, count: int) -> list[WatchEvent]:
        """The next events, waiting for them."""
        return list(itertools.islice(self, count))


class Objects:
    """The objects of one kind, in one namespace or in the whole cluster."""

    def __init__(self, http: httpx.Client, path: str) -> None:
        self._http = http
        self.path = path

    def create(self, body: Body, **parameters: str) -> Answer:
        return self.send("POST", "", body, JSON, parameters)

    def get(self, name: str, *, subresource: str = "", accept: str = JSON, **parameters: str) -> Answer:
        return self.send("GET", _below(name, subresource), None, "", parameters, accept)

    def list(self, *, accept: str = JSON, **parameters: str) -> Answer:
        return self.send("GET", "", None, "", parameters, accept)

    def replace(self, body: Body, *, name: str = "", subresource: str = "", **parameters: str) -> Answer:
        at = name or body["metadata"]["name"]
        return self.send("PUT", _below(at, subresource), body, JSON, parameters)

    def merge(self, name: str, change: object, *, subresource: str = "", **parameters: str) -> Answer:
        return self.send("PATCH", _below(name, subresource), change, MERGE_PATCH, parameters)

    def json_patch(
        self, name: str, operations: Sequence[Body], *, subresource: str = "", **parameters: str
    ) -> Answer:
        return self.send("PATCH", _below(name, subresource), list(operations), JSON_PATCH, parameters)

    def strategic_merge(self, name: str, change: Body) -> Answer:
        return self.send("PATCH", name, change, STRATEGIC_PATCH, {})

    def apply(self, body: Body, manager: str, *, subresource: str = "", **parameters: str) -> Answer:
        """Server-side apply. JSON is YAML."""
        at = _below(body["metadata"]["name"], subresource)
        return self.send("PATCH", at, body, APPLY_PATCH, {"fieldManager": manager, **parameters})

    def set_status(self, name: str, status: Body) -> Answer:
        return self.merge(name, {"status": status}, subresource="status")

    def delete(self, name: str, options: Body | None = None, **parameters: str) -> Answer:
        return self.send("DELETE", name, options, JSON, parameters)

    def delete_all(self, **parameters: str) -> Answer:
        return self.send("DELETE", "", None, "", parameters)

    def send(
        self,
        method: str,
        below: str,
        body: object,
        media_type: str,
        parameters: Mapping[str, str],
        accept: str = JSON,
    ) -> Answer:
        """Any request; a `body` of bytes is sent as it is, None sends none."""
        headers = {"Accept": accept}
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = media_type
        url = f"{self.path}/{below}" if below else self.path
        return _answer(
            self._http.request(method, url, content=content, headers=headers, params=dict(parameters))
        )

    @contextmanager
    def watch(self, *, accept: str = JSON, **parameters: str) -> Iterator[Watch]:
        """A watch, until the end of the block. AssertionError when it is refused."""
        request = self._http.stream(
            "GET", self.path, params={"watch": "true", **parameters}, headers={"Accept": accept}
        )
        with request as response:
            assert response.status_code == httpx.codes.OK, response.read()
            yield Watch(response)


def _below(name: str, subresource: str) -> str:
    return f"{name}/{subresource}" if subresource else name


class Api:
    """An API server, as its administrator."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def get(self, path: str, *, accept: str = "*/*") -> Answer:
        return _answer(self._http.get(path, headers={"Accept": accept}))

    def objects(self, path: str) -> Objects:
        return Objects(self._http, path)

    def tenants(self, namespace: str = "") -> Objects:
        """Of a namespace, or (empty) of all."""
        within = f"/namespaces/{namespace}" if namespace else ""
        return self.objects(f"{GROUP_PATH}{within}/businesstenants")

    def core(self, namespace: str, plural: str) -> Objects:
        return self.objects(f"/api/v1/namespaces/{namespace}/{plural}")

    @property
    def namespaces(self) -> Objects:
        return self.objects("/api/v1/namespaces")

    @property
    def definitions(self) -> Objects:
        return self.objects("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")


@contextmanager
def connect(kubeconfig: Path) -> Iterator[Api]:
    """An HTTP connection as a kubeconfig describes it; proxies of the environment do not apply."""
    settings = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        str(kubeconfig), client_configuration=settings
    )
    verify: ssl.SSLContext | bool = False
    if settings.ssl_ca_cert:
        verify = ssl.create_default_context(cafile=settings.ssl_ca_cert)
        if settings.cert_file:
            verify.load_cert_chain(settings.cert_file, settings.key_file)
    headers = {"User-Agent": USER_AGENT}
    if token := settings.get_api_key_with_prefix("authorization"):
        headers["Authorization"] = token
    with httpx.Client(
        base_url=settings.host, verify=verify, headers=headers, trust_env=False, timeout=READ_SECONDS
    ) as http:
        yield Api(http)
