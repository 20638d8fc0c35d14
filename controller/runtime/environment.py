"""The platform's environment variables as real objects named `default`, so that it works as it stands.

Applied with the field manager `environment`; what something else manages is never overwritten.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog

from controller.api.group import API_VERSION, Kind
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiAlreadyExists
from controller.runtime.kube_resources import EVOLUTION_SERVERS, PHONE_PROVIDERS, SECRETS, Resource

log = structlog.get_logger(__name__)

NAME: Final = "default"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
ENVIRONMENT: Final = "environment"
TWILIO_SECRET: Final = "environment-twilio"  # noqa: S105 - a name
VONAGE_SECRET: Final = "environment-vonage"  # noqa: S105 - a name
EVOLUTION_SECRET: Final = "environment-evolution"  # noqa: S105 - a name
MILLISECONDS: Final = 1000


async def apply_environment(api: KubeApi, namespace: str, environment: Mapping[str, str]) -> None:
    """Create or refresh the objects that the environment describes."""
    for resource, body in environment_objects(namespace, environment):
        await _apply(api, resource, body, namespace if resource.namespaced else None)


def environment_objects(
    namespace: str, environment: Mapping[str, str]
) -> Iterable[tuple[Resource, dict[str, Any]]]:
    """The objects, Secrets first. Pure."""
    sid, token = environment.get("TWILIO_ACCOUNT_SID"), environment.get("TWILIO_AUTH_TOKEN")
    if sid and token:
        yield SECRETS, _secret(TWILIO_SECRET, namespace, {"authToken": token})
        account = {"accountSID": sid, "credentialsSecretRef": {"name": TWILIO_SECRET}}
        yield PHONE_PROVIDERS, _object(Kind.PHONE_PROVIDER, {"type": "Twilio", "twilio": account})
    vonage_key, vonage_secret = environment.get("VONAGE_API_KEY"), environment.get("VONAGE_API_SECRET")
    if vonage_key and vonage_secret:
        yield SECRETS, _secret(VONAGE_SECRET, namespace, {"apiKey": vonage_key, "apiSecret": vonage_secret})
        account = {"apiKey": vonage_key, "credentialsSecretRef": {"name": VONAGE_SECRET}}
        # One of two providers cannot be named `default` too; Twilio has the name where both are given.
        name = f"{NAME}-vonage" if sid and token else NAME
        yield PHONE_PROVIDERS, _object(Kind.PHONE_PROVIDER, {"type": "Vonage", "vonage": account}, name)
    url, key = environment.get("EVOLUTION_API_URL"), environment.get("EVOLUTION_API_KEY")
    if url and key:
        yield SECRETS, _secret(EVOLUTION_SECRET, namespace, {"apiKey": key})
        yield EVOLUTION_SERVERS, _object(Kind.EVOLUTION_SERVER, _server_spec(url, environment))


def _server_spec(url: str, environment: Mapping[str, str]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "url": url.rstrip("/"),
        "apiKeySecretRef": {"name": EVOLUTION_SECRET, "key": "apiKey"},
    }
    if webhook := environment.get("EVOLUTION_DEFAULT_WEBHOOK"):
        spec["defaultWebhook"] = webhook
    if instances := _number(environment, "EVOLUTION_MAX_INSTANCES_PER_SERVER"):
        spec["maxInstances"] = instances
    if timeout := _number(environment, "EVOLUTION_SESSION_TIMEOUT"):
        spec["sessionTimeout"] = f"{max(1, timeout // MILLISECONDS)}s"
    return spec


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    if text and not text.isdecimal():
        log.warning("an environment variable is not a whole number; it is ignored", variable=name)
    return int(text) if text.isdecimal() else None


async def _apply(api: KubeApi, resource: Resource, body: dict[str, Any], namespace: str | None) -> None:
    try:
        await api.create(resource, body, namespace)
    except ApiAlreadyExists:
        name = body["metadata"]["name"]
        existing = await api.get(resource, name, namespace)
        labels = ((existing or {}).get("metadata") or {}).get("labels") or {}
        if labels.get(MANAGED_BY) != ENVIRONMENT:
            log.warning("an object is managed by something else; the environment is not applied", name=name)
            return
        await api.merge_patch(resource, name, body, namespace)


def _object(kind: Kind, spec: dict[str, Any], name: str = NAME) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind.value,
        "metadata": {"name": name, "labels": {MANAGED_BY: ENVIRONMENT}},
        "spec": spec,
    }


def _secret(name: str, namespace: str, values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": SECRETS.api_version,
        "kind": SECRETS.kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY: ENVIRONMENT}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
