"""The example of the page about contexts is what the code makes of it."""

import json
import re
from hashlib import sha256
from pathlib import Path

import yaml

from controller.api.business_tenant import BusinessTenantSpec
from controller.reconcile.ai.context import DesiredContext, context_hash

PAGE = Path(__file__).parents[2] / "docs" / "context.md"


def block(name: str) -> str:
    """A fenced block of the page by the word after its language."""
    found = re.search(rf"```\w+ {name}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None, f"{PAGE.name} has no block {name}"
    return found[1]


def test_the_example_is_what_the_ai_is_told() -> None:
    spec = BusinessTenantSpec.model_validate(yaml.safe_load(block("tenant")))
    text = DesiredContext.of(spec).compose(block("config-map"))
    assert text == block("context")
    assert context_hash(text) == sha256(json.dumps(text).encode()).hexdigest()[:16]
