"""The bot that a route asks for: the one table of what differs between routes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from controller.api.ai_routes import (
    BLOCKS,
    N8N,
    Dify,
    DifyBotType,
    EvoAI,
    EvolutionBot,
    Flowise,
    MessageRoute,
    OpenAI,
    Session,
    Trigger,
    TriggerOperator,
    TriggerType,
    Typebot,
)
from controller.api.business_tenant import Ai, BusinessTenantSpec
from controller.api.common_fields import SecretKeyReference, parse_duration
from controller.providers.evolution import bots
from controller.providers.evolution.bot_kinds import BOT_TYPE, CREDENTIALS_ID
from controller.providers.evolution.bots import BotKind, BotSession, FieldValue, OpenAIBotType
from controller.reconcile.ownership import Owner

SYSTEM_MESSAGES: Final = "systemMessages"
_SYSTEM: Final = "bt1"


class ContextWay(Enum):
    """How an AI comes by the business's context."""

    PROMPT = auto()  # it is sent with every question
    QUERY = auto()  # the endpoint is told tenant, business and version of the context in its URL
    OWN = auto()  # Evolution has no place for it: the app has its own prompt


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A field whose value is in a Secret. `path` is where the spec names it."""

    field: str
    secret: str
    key: str
    path: str


@dataclass(frozen=True, slots=True)
class DesiredBot:
    """The bot as far as the spec tells; Secrets and context are read when it is written or compared.

    `address` names the field with the URL that gets the tenant into its query.
    """

    route: MessageRoute
    kind: BotKind
    mark: str
    target: str
    fields: Mapping[str, FieldValue] = field(repr=False)
    secrets: tuple[SecretValue, ...]
    context: ContextWay
    address: str | None
    query: Mapping[str, str]
    trigger: bots.Trigger
    session: BotSession = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """What differs between routes."""

    kind: BotKind
    target: str
    fields: Mapping[str, FieldValue]
    secrets: tuple[SecretValue, ...] = ()
    context: ContextWay = ContextWay.OWN
    address: str | None = None


def bot_mark(owner: Owner) -> str:
    """Whose a bot is, in its description."""
    return f"{_SYSTEM}:{owner.cluster_id}:{owner.tenant_hash}"


def desired_bot(spec: BusinessTenantSpec, owner: Owner) -> DesiredBot | None:
    """None for routes on which no bot answers."""
    if spec.ai is None or spec.ai.route not in BLOCKS:
        return None
    part = _part(spec.ai)
    if part is None:
        return None
    query = {"tenant": f"{owner.namespace}/{owner.name}"}
    if spec.business.id is not None:
        query["business"] = spec.business.id
    return DesiredBot(
        route=spec.ai.route,
        kind=part.kind,
        mark=bot_mark(owner),
        target=part.target,
        fields=part.fields,
        secrets=part.secrets,
        context=part.context,
        address=part.address,
        query=query,
        trigger=_trigger(spec.ai.trigger),
        session=_session(spec.ai.session or Session()),
    )


def _part(ai: Ai) -> _Part | None:
    match ai:
        case Ai(route=MessageRoute.OPENAI, open_ai=OpenAI(assistant_id=str(assistant)) as block):
            return _Part(
                BotKind.OPENAI,
                assistant,
                {
                    BOT_TYPE: OpenAIBotType.ASSISTANT.value,
                    "assistantId": assistant,
                    **({"functionUrl": block.function_url} if block.function_url else {}),
                },
                _key(CREDENTIALS_ID, block.api_key_secret_ref, "openAI"),
            )
        case Ai(route=MessageRoute.OPENAI, open_ai=OpenAI(model=str(model)) as block):
            return _Part(
                BotKind.OPENAI,
                model,
                {
                    BOT_TYPE: OpenAIBotType.CHAT_COMPLETION.value,
                    "model": model,
                    "maxTokens": block.max_tokens or 0,
                },
                _key(CREDENTIALS_ID, block.api_key_secret_ref, "openAI"),
                ContextWay.PROMPT,
            )
        case Ai(route=MessageRoute.DIFY, dify=Dify() as block):
            fields = {BOT_TYPE: _DIFY_TYPES[block.bot_type].value, "apiUrl": block.api_url}
            return _Part(
                BotKind.DIFY, block.api_url, fields, _key("apiKey", block.api_key_secret_ref, "dify")
            )
        case Ai(route=MessageRoute.TYPEBOT, typebot=Typebot() as block):
            fields = {"url": block.url, "typebot": block.typebot}
            return _Part(BotKind.TYPEBOT, block.typebot, fields)
        case Ai(route=MessageRoute.FLOWISE, flowise=Flowise() as block):
            secrets = _key("apiKey", block.api_key_secret_ref, "flowise")
            return _endpoint(BotKind.FLOWISE, "apiUrl", block.api_url, secrets)
        case Ai(route=MessageRoute.N8N, n8n=N8N() as block):
            return _endpoint(BotKind.N8N, "webhookUrl", block.webhook_url, _basic_auth(block))
        case Ai(route=MessageRoute.EVOAI, evo_ai=EvoAI() as block):
            secrets = _key("apiKey", block.api_key_secret_ref, "evoAI")
            return _endpoint(BotKind.EVOAI, "agentUrl", block.agent_url, secrets)
        case Ai(route=MessageRoute.EVOLUTION_BOT, evolution_bot=EvolutionBot() as block):
            secrets = _key("apiKey", block.api_key_secret_ref, "evolutionBot")
            return _endpoint(BotKind.EVOLUTION_BOT, "apiUrl", block.api_url, secrets)
        case _:
            return None


_DIFY_TYPES: Final = {
    DifyBotType.CHAT_BOT: bots.DifyBotType.CHAT_BOT,
    DifyBotType.TEXT_GENERATOR: bots.DifyBotType.TEXT_GENERATOR,
    DifyBotType.AGENT: bots.DifyBotType.AGENT,
    DifyBotType.WORKFLOW: bots.DifyBotType.WORKFLOW,
}
_OPERATORS: Final = {
    TriggerOperator.CONTAINS: bots.TriggerOperator.CONTAINS,
    TriggerOperator.EQUALS: bots.TriggerOperator.EQUALS,
    TriggerOperator.STARTS_WITH: bots.TriggerOperator.STARTS_WITH,
    TriggerOperator.ENDS_WITH: bots.TriggerOperator.ENDS_WITH,
    TriggerOperator.REGEX: bots.TriggerOperator.REGEX,
}


def _endpoint(kind: BotKind, address: str, url: str, secrets: tuple[SecretValue, ...]) -> _Part:
    """Kinds whose URL Evolution asks as it stands."""
    return _Part(kind, url, {address: url}, secrets, ContextWay.QUERY, address)


def _key(name: str, reference: SecretKeyReference | None, block: str) -> tuple[SecretValue, ...]:
    if reference is None:
        return ()
    return (SecretValue(name, reference.name, reference.key, f"spec.ai.{block}.apiKeySecretRef"),)


def _basic_auth(block: N8N) -> tuple[SecretValue, ...]:
    reference, path = block.basic_auth_secret_ref, "spec.ai.n8n.basicAuthSecretRef"
    if reference is None:
        return ()
    return (
        SecretValue("basicAuthUser", reference.name, reference.user_key or "username", path),
        SecretValue("basicAuthPass", reference.name, reference.password_key or "password", path),
    )


def _trigger(wanted: Trigger | None) -> bots.Trigger:
    if wanted is None or wanted.type is TriggerType.ALL or wanted.operator is None:
        return bots.Trigger()
    return bots.Trigger(bots.TriggerType.KEYWORD, _OPERATORS[wanted.operator], wanted.value or "")


def _session(wanted: Session) -> BotSession:
    return BotSession(
        expire=_seconds(wanted.expire_after) // 60,
        keyword_finish=wanted.finish_keyword or "",
        delay_message=_seconds(wanted.reply_delay) * 1000,
        unknown_message=wanted.fallback_message or "",
        keep_open=bool(wanted.keep_open),
        debounce_time=_seconds(wanted.debounce),
        ignore_jids=tuple(sorted(wanted.ignore_jids or ())),
    )


def _seconds(duration: str | None) -> int:
    return int(parse_duration(duration).total_seconds()) if duration else 0
