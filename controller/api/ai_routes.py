"""The part of `spec.ai` that differs between routes: one block for each AI that Evolution can ask by itself."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from controller.api.common_fields import (
    ApiModel,
    HttpUrl,
    ObjectName,
    SecretKey,
    SecretKeyReference,
    list_set,
    rules,
)

CONTEXT_LIMIT: Final = 32_768
"""Characters of a context, given in the spec or in a ConfigMap."""

Minutes = Annotated[str, StringConstraints(max_length=16, pattern=r"^([0-9]+(h|m))+$")]
Seconds = Annotated[str, StringConstraints(max_length=16, pattern=r"^([0-9]+(m|s))+$")]
Context = Annotated[str, StringConstraints(max_length=CONTEXT_LIMIT)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s]+$")]


class MessageRoute(StrEnum):
    """Who answers messages."""

    NONE = "None"
    WEBHOOK = "Webhook"
    OPENAI = "OpenAI"
    DIFY = "Dify"
    TYPEBOT = "Typebot"
    FLOWISE = "Flowise"
    N8N = "N8N"
    EVOAI = "EvoAI"
    EVOLUTION_BOT = "EvolutionBot"


class OpenAI(ApiModel):
    """Evolution asks OpenAI itself: a model with the business's context, or an assistant."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.model) != has(self.assistantID)",
                "spec.ai.openAI needs either model or assistantID",
            ),
            (
                "has(self.model) == has(self.maxTokens)",
                "spec.ai.openAI.maxTokens goes with model, which needs it",
            ),
            (
                "has(self.assistantID) || !has(self.functionURL)",
                "spec.ai.openAI.functionURL goes with assistantID",
            ),
        )
    )

    model: ModelName | None = Field(
        None, description="Chat model, such as gpt-4.1-mini. Left out: assistantID is asked."
    )
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="Longest answer in tokens. Needed with model."
    )
    assistant_id: (
        Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s]+$")] | None
    ) = Field(
        None,
        description="Assistant made at OpenAI; it keeps its own instructions, the context is not sent."
        " Left out: model is asked.",
    )
    function_url: HttpUrl | None = Field(
        None,
        description="With assistantID: endpoint that the assistant's functions are called at. Left out: none.",
    )
    api_key_secret_ref: SecretKeyReference = Field(
        description="OpenAI key. Evolution takes a key only once per database: one of its own for every tenant."
    )


class DifyBotType(StrEnum):
    """Kinds of Dify apps."""

    CHAT_BOT = "ChatBot"
    TEXT_GENERATOR = "TextGenerator"
    AGENT = "Agent"
    WORKFLOW = "Workflow"


class Dify(ApiModel):
    """A Dify app answers."""

    bot_type: DifyBotType = Field(description="Kind of the app.")
    api_url: HttpUrl = Field(
        description="Base URL of its API, such as https://dify.example/v1; Evolution adds the path."
    )
    api_key_secret_ref: SecretKeyReference = Field(description="Key of the app.")


class Typebot(ApiModel):
    """A Typebot flow answers."""

    url: HttpUrl = Field(description="Base URL of the viewer; Evolution adds the path.")
    typebot: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[-_.a-zA-Z0-9]+$")] = (
        Field(description="Public id of the flow.")
    )


class Flowise(ApiModel):
    """A Flowise chatflow answers."""

    api_url: HttpUrl = Field(
        description="Prediction URL of the chatflow. The tenant is added to its query: tenant, business, context."
    )
    api_key_secret_ref: SecretKeyReference | None = Field(
        None, description="Its key. Left out: asked without one."
    )


class BasicAuthReference(ApiModel):
    """A Secret that holds a user and a password, as the type kubernetes.io/basic-auth does."""

    name: ObjectName = Field(description="Name of the Secret.")
    user_key: SecretKey | None = Field(None, description="Key of the user. Left out: username.")
    password_key: SecretKey | None = Field(None, description="Key of the password. Left out: password.")


class N8N(ApiModel):
    """An n8n workflow answers."""

    webhook_url: HttpUrl = Field(
        description="Webhook of the workflow. The tenant is added to its query: tenant, business, context."
    )
    basic_auth_secret_ref: BasicAuthReference | None = Field(
        None, description="User and password of the webhook. Left out: asked without."
    )


class EvoAI(ApiModel):
    """An Evo AI agent answers."""

    agent_url: HttpUrl = Field(
        description="URL of the agent. The tenant is added to its query: tenant, business, context."
    )
    api_key_secret_ref: SecretKeyReference | None = Field(
        None, description="Its key. Left out: asked without one."
    )


class EvolutionBot(ApiModel):
    """An endpoint of one's own that speaks Evolution's bot protocol answers; any model can stand behind it."""

    api_url: HttpUrl = Field(
        description="URL that is asked. The tenant is added to its query: tenant, business, context."
    )
    api_key_secret_ref: SecretKeyReference | None = Field(
        None, description="Sent as a bearer token. Left out: asked without one."
    )


class TriggerType(StrEnum):
    ALL = "All"
    KEYWORD = "Keyword"


class TriggerOperator(StrEnum):
    """How a keyword is looked for in a message."""

    CONTAINS = "Contains"
    EQUALS = "Equals"
    STARTS_WITH = "StartsWith"
    ENDS_WITH = "EndsWith"
    REGEX = "Regex"


class Trigger(ApiModel):
    """What begins a conversation with the bot."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.type != 'Keyword' || (has(self.operator) && has(self.value))",
                "spec.ai.trigger: operator and value are needed with type Keyword",
            ),
            (
                "self.type == 'Keyword' || (!has(self.operator) && !has(self.value))",
                "spec.ai.trigger: operator and value belong to type Keyword",
            ),
        )
    )

    type: TriggerType = Field(description="All (any message) or Keyword.")
    operator: TriggerOperator | None = Field(
        None, description="With type Keyword: how value is looked for. Left out: with type All."
    )
    value: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        None, description="With type Keyword: the word or the expression. Left out: with type All."
    )


class Session(ApiModel):
    """How the bot holds a conversation."""

    expire_after: Minutes | None = Field(
        None,
        description="Silence after which a conversation ends, in whole minutes. Left out: it never ends.",
    )
    finish_keyword: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None, description="What a customer writes to end the conversation. Left out: nothing does."
    )
    reply_delay: Seconds | None = Field(
        None, description="Pause before each answer, in whole seconds. Left out: none."
    )
    debounce: Seconds | None = Field(
        None,
        description="How long to wait for further messages, to answer them as one, in whole seconds."
        " Left out: each is answered at once.",
    )
    fallback_message: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        None, description="Sent when the bot has no answer. Left out: nothing is sent."
    )
    keep_open: bool | None = Field(
        None, description="Keep the conversation when the bot's flow has ended. Left out: false."
    )
    ignore_jids: (
        Annotated[
            list[
                Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\s@]*@[^\s@]+$")]
            ],
            Field(max_length=64),
        ]
        | None
    ) = Field(
        None,
        description="Chats that are not answered, such as 37120000000@s.whatsapp.net; @g.us stands for every group."
        " Left out: all are.",
        json_schema_extra=list_set(),
    )


class ConfigMapKeyReference(ApiModel):
    """One key of a ConfigMap in the tenant's namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap.")
    key: SecretKey = Field(description="Key within its data.")


BLOCKS: Final = {
    MessageRoute.OPENAI: "openAI",
    MessageRoute.DIFY: "dify",
    MessageRoute.TYPEBOT: "typebot",
    MessageRoute.FLOWISE: "flowise",
    MessageRoute.N8N: "n8n",
    MessageRoute.EVOAI: "evoAI",
    MessageRoute.EVOLUTION_BOT: "evolutionBot",
}
"""The block of `spec.ai` that each route on which a bot answers needs."""


def only_matching_block() -> list[tuple[str, str]]:
    """Rules of `spec.ai`: the block of the chosen route is needed, and no other may be given."""
    return [
        *(
            (
                f"(self.route == '{route}') == has(self.{block})",
                f"spec.ai.{block} is needed with route {route}, and goes with no other",
            )
            for route, block in BLOCKS.items()
        ),
        (
            "!(self.route in ['None', 'Webhook']) || (!has(self.trigger) && !has(self.session))",
            "spec.ai: trigger and session belong to routes on which a bot answers",
        ),
    ]
