"""The providers' own OpenAPI files."""

import json
from functools import cache
from typing import Any

import yaml

from .openapi import OpenApi
from .recordings import folder


@cache
def twilio_v2010() -> OpenApi:
    return OpenApi(_load("strict_twilio_api_v2010.json"))


@cache
def twilio_pricing() -> OpenApi:
    return OpenApi(_load("twilio_pricing_v1.json"))


@cache
def twilio_numbers() -> OpenApi:
    return OpenApi(_load("twilio_numbers_v2.json"))


@cache
def vonage_numbers() -> OpenApi:
    return OpenApi(_load("strict_vonage_numbers.json"))


@cache
def vonage_applications() -> OpenApi:
    document = _load("vonage_application.v2.yml", "common/common_errors.yml#")
    for kind, definitions in _load("vonage_common_errors.yml")["components"].items():
        document["components"].setdefault(kind, {}).update(definitions)
    return OpenApi(document, prefix="/v2/applications")


def _load(name: str, joined: str = "#") -> dict[str, Any]:
    """Read a file; references that begin with `joined` are to definitions that are joined to it."""
    text = (folder("specs") / name).read_text().replace(joined, "#")
    # The YAML reader needs seconds for what the JSON one reads at once, and fails on some of its escapes.
    loaded: dict[str, Any] = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    return loaded
