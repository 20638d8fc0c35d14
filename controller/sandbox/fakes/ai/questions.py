"""What each kind of AI is asked, read for who asks, what, and what it was told of the business."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Via(StrEnum):
    """By whose protocol a question came; the first part of its path."""

    OPENAI = "openai"
    DIFY = "dify"
    TYPEBOT = "typebot"
    FLOWISE = "flowise"
    N8N = "n8n"
    EVOAI = "evoai"
    EVOLUTION_BOT = "evolutionBot"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. What a protocol does not carry is empty.

    `instance` is whose message it was, as Evolution says; `tenant`, `business` and `version` (of the context) are
    what query or headers say; `prompt` is what a language model was told. `credential` is never shown.
    """

    via: Via
    app: str
    text: str
    instance: str = ""
    tenant: str = ""
    business: str = ""
    version: str = ""
    prompt: str = field(default="", repr=False)
    credential: str = field(default="", repr=False)

    def describe(self) -> dict[str, object]:
        """Without what nobody may see."""
        return {
            "via": self.via,
            "app": self.app,
            "instance": self.instance,
            "tenant": self.tenant,
            "business": self.business,
            "version": self.version,
        }


def read_question(
    via: Via, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Mapping[str, object]
) -> Asked:
    """Read a request; `path` is what follows the protocol's name."""
    app = path.partition("/")[0]
    credential = headers.get("Authorization", "") or headers.get("x-api-key", "")
    asked = {
        "tenant": query.get("tenant", ""),
        "business": query.get("business", ""),
        "version": query.get("context", ""),
        "credential": credential,
    }
    match via:
        case Via.OPENAI:
            messages = [message for message in _list(body.get("messages")) if isinstance(message, dict)]
            prompts = [_text(message, "content") for message in messages if message.get("role") == "system"]
            text = _text(messages[-1], "content") if messages else ""
            return Asked(via, _text(body, "model"), text, prompt="\n".join(prompts), credential=credential)
        case Via.DIFY:
            inputs = _object(body, "inputs")
            text = _text(body, "query") or _text(inputs, "query")
            return Asked(via, app, text, _text(inputs, "instanceName"), **asked)
        case Via.TYPEBOT:
            variables = _object(body, "prefilledVariables")
            return Asked(
                via, _typebot(path), _text(body, "message"), _text(variables, "instanceName"), **asked
            )
        case Via.FLOWISE:
            variables = _object(_object(body, "overrideConfig"), "vars")
            return Asked(via, app, _text(body, "question"), _text(variables, "instanceName"), **asked)
        case Via.N8N:
            return Asked(via, app, _text(body, "chatInput"), _text(body, "instanceName"), **asked)
        case Via.EVOAI:
            params = _object(body, "params")
            parts = _list(_object(params, "message").get("parts"))
            text = "".join(_text(part, "text") for part in parts if isinstance(part, dict))
            return Asked(via, app, text, _text(_object(params, "metadata"), "instanceName"), **asked)
        case Via.EVOLUTION_BOT:
            inputs = _object(body, "inputs")
            return Asked(via, app, _text(body, "query"), _text(inputs, "instanceName"), **asked)
        case Via.WEBHOOK:
            message = _object(_object(body, "data"), "message")
            return Asked(
                via,
                app,
                _text(message, "conversation"),
                _text(body, "instance"),
                tenant=headers.get("x-tenant", ""),
                business=headers.get("x-business-id", ""),
                version=headers.get("x-context-hash", ""),
                credential=credential,
            )


def _typebot(path: str) -> str:
    """`api/v1/typebots/menu/startChat` -> `menu`, `api/v1/sessions/3/continueChat` -> `3`."""
    parts = path.split("/")
    return parts[3] if len(parts) > 3 else ""  # noqa: PLR2004


def _object(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
