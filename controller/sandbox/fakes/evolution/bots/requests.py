"""What each kind of bot is asked, and where in what it says the answer is.

Nothing of this was recorded: bodies, headers and answers are as read in the server's source, for text messages.
Every kind is told the instance's token, except that typebot is told the server's own key.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.sandbox.fakes.evolution.bots.kinds import Kind
from controller.sandbox.fakes.evolution.bots.store import Bot, Session
from controller.sandbox.fakes.evolution.outbound import Answer
from controller.sandbox.fakes.evolution.state import Instance, World

_REMEMBERED = 10
"""How many messages of a conversation OpenAI is reminded of."""


@dataclass(frozen=True, slots=True)
class Question:
    """An inbound message as a bot is told of it."""

    text: str
    remote_jid: str
    push_name: str
    from_me: bool
    key_id: object


@dataclass(frozen=True, slots=True)
class Reply:
    """What a bot said. `session_id` is its name for the conversation, if it gave one; `ended` when it is over."""

    text: str | None
    session_id: str | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class BotCall:
    """One POST to a bot, and how to read what comes back."""

    url: str
    body: Mapping[str, object]
    headers: Mapping[str, str]
    read: Callable[[Answer], Reply]


def bot_call(
    world: World, instance: Instance, bot: Bot, session: Session, question: Question
) -> BotCall | None:
    """Return the call that asks the bot; None for a bot that this fake cannot ask."""
    context = {
        "remoteJid": question.remote_jid,
        "pushName": question.push_name,
        "instanceName": instance.name,
        "serverUrl": world.server_url,
        "apiKey": instance.token,
    }
    match bot.kind:
        case Kind.EVOLUTION_BOT:
            return _evolution_bot(bot, session, question, context)
        case Kind.TYPEBOT:
            return _typebot(world, instance, bot, session, question, context)
        case Kind.OPENAI:
            return _openai(world, bot, session, question)
        case Kind.DIFY:
            return _dify(bot, session, question, context)
        case Kind.N8N:
            return _n8n(bot, session, question, context)
        case Kind.EVOAI:
            return _evoai(world, bot, session, question, context)
        case Kind.FLOWISE:
            body = {
                "question": question.text,
                "overrideConfig": {"sessionId": question.remote_jid, "vars": context},
            }
            return BotCall(bot.text("apiUrl"), body, _bearer(bot.text("apiKey")), _reply_at("text"))


def _evolution_bot(bot: Bot, session: Session, question: Question, context: Mapping[str, object]) -> BotCall:
    body: dict[str, object] = {
        "inputs": {"sessionId": session.id, "fromMe": question.from_me, **context},
        "query": question.text,
        "user": question.remote_jid,
        **_conversation(session),
    }

    def read(answer: Answer) -> Reply:
        text = _text(answer.field("message"))
        quoted = text is not None and len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1]
        return Reply(text[1:-1] if quoted and text is not None else text)

    return BotCall(bot.text("apiUrl"), body, _bearer(bot.text("apiKey")), read)


def _typebot(
    world: World,
    instance: Instance,
    bot: Bot,
    session: Session,
    question: Question,
    context: Mapping[str, object],
) -> BotCall:
    """The first message only starts the flow: its text is not part of what is sent."""
    url = f"{bot.text('url')}/api/v1"
    _, _, started = session.session_id.partition("-")
    if started:
        return BotCall(
            f"{url}/sessions/{started}/continueChat", {"message": question.text}, {}, _read_typebot
        )
    variables = {**context, "apiKey": world.api_key, "ownerJid": instance.number}
    start = f"{url}/typebots/{bot.text('typebot')}/startChat"
    return BotCall(start, {"prefilledVariables": variables}, {}, _read_typebot)


def _read_typebot(answer: Answer) -> Reply:
    """A flow that asks for no input has ended."""
    messages = answer.field("messages")
    paragraphs = [
        _rich_text(message["content"].get("richText"))
        for message in (messages if isinstance(messages, list) else [])
        if isinstance(message, dict)
        and message.get("type") == "text"
        and isinstance(message.get("content"), dict)
    ]
    session_id = _text(answer.field("sessionId"))
    return Reply(
        "\n\n".join(paragraphs) or None,
        session_id=f"0-{session_id}" if session_id else None,
        ended=answer.field("input") is None,
    )


def _rich_text(element: object) -> str:
    if isinstance(element, list):
        return "\n".join(_rich_text(item) for item in element)
    if not isinstance(element, dict):
        return ""
    children = element.get("children")
    inner = "".join(_rich_text(child) for child in children) if isinstance(children, list) else ""
    return (_text(element.get("text")) or "") + inner


def _openai(world: World, bot: Bot, session: Session, question: Question) -> BotCall | None:
    """Assistants are not asked: their threads are an API of their own that OpenAI is closing down."""
    credentials = world.database.bots.credentials.get(bot.text("openaiCredsId"))
    if credentials is None or bot.values.get("botType") != "chatCompletion":
        return None
    prompts = [
        {"role": role, "content": str(text)}
        for role, column in (
            ("system", "systemMessages"),
            ("assistant", "assistantMessages"),
            ("user", "userMessages"),
        )
        for text in _list(bot.values.get(column))
    ]
    asked = {"role": "user", "content": question.text}
    body = {
        "model": bot.text("model"),
        "messages": [*prompts, *session.history, asked],
        "max_tokens": bot.values.get("maxTokens"),
    }

    def read(answer: Answer) -> Reply:
        text = _text(answer.field("choices", 0, "message", "content"))
        if text is not None:
            session.history += [asked, {"role": "assistant", "content": text}]
            del session.history[:-_REMEMBERED]
        return Reply(text)

    return BotCall(
        f"{world.options.openai_base_url}/chat/completions", body, _bearer(credentials.api_key), read
    )


def _dify(bot: Bot, session: Session, question: Question, context: Mapping[str, object]) -> BotCall:
    bot_type = bot.values.get("botType")
    url, headers = bot.text("apiUrl"), _bearer(bot.text("apiKey"))
    body: dict[str, object] = {"inputs": context, "response_mode": "blocking", "user": question.remote_jid}
    if bot_type == "workflow":
        body["inputs"] = {**context, "query": question.text}
        return BotCall(f"{url}/workflows/run", body, headers, _reply_at("data", "outputs", "text"))
    body |= _conversation(session)
    if bot_type == "textGenerator":
        body["inputs"] = {**context, "query": question.text}
        return BotCall(f"{url}/completion-messages", body, headers, _read_dify)
    body["query"] = question.text
    if bot_type == "agent":
        body["response_mode"] = "streaming"
        return BotCall(f"{url}/chat-messages", body, headers, _read_dify_stream)
    return BotCall(f"{url}/chat-messages", body, headers, _read_dify)


def _read_dify(answer: Answer) -> Reply:
    return Reply(_text(answer.field("answer")), session_id=_text(answer.field("conversation_id")))


def _read_dify_stream(answer: Answer) -> Reply:
    events = [
        event
        for event in (Answer.of(200, line.removeprefix("data: ")) for line in answer.text.splitlines())
        if event.field("event") == "agent_message"
    ]
    text = "".join(_text(event.field("answer")) or "" for event in events)
    return Reply(text or None, session_id=_text(events[0].field("conversation_id")) if events else None)


def _n8n(bot: Bot, session: Session, question: Question, context: Mapping[str, object]) -> BotCall:
    body = {
        "chatInput": question.text,
        "sessionId": session.session_id,
        "keyId": question.key_id,
        "fromMe": question.from_me,
        **context,
    }
    user, password = bot.text("basicAuthUser"), bot.text("basicAuthPass")
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"} if user and password else {}

    def read(answer: Answer) -> Reply:
        return Reply(_text(answer.field("output")) or _text(answer.field("answer")))

    return BotCall(bot.text("webhookUrl"), body, headers, read)


def _evoai(
    world: World, bot: Bot, session: Session, question: Question, context: Mapping[str, object]
) -> BotCall:
    key = {"id": question.key_id, "remoteJid": question.remote_jid, "fromMe": question.from_me}
    body = {
        "jsonrpc": "2.0",
        "id": f"req-{world.uuid()[:8]}",
        "method": "message/send",
        "params": {
            "contextId": session.session_id,
            "message": {
                "role": "user",
                "parts": [{"type": "text", "text": question.text}],
                "messageId": question.remote_jid.partition("@")[0],
                "metadata": {"messageKey": key},
            },
            "metadata": {"fromMe": question.from_me, **context},
        },
    }

    def read(answer: Answer) -> Reply:
        parts = _list(answer.field("result", "artifacts", 0, "parts"))
        texts = [
            _text(part.get("text")) for part in parts if isinstance(part, dict) and part.get("type") == "text"
        ]
        return Reply(next((text for text in texts if text), None))

    return BotCall(bot.text("agentUrl"), body, {"x-api-key": bot.text("apiKey")}, read)


def _reply_at(*path: str | int) -> Callable[[Answer], Reply]:
    return lambda answer: Reply(_text(answer.field(*path)))


def _conversation(session: Session) -> dict[str, object]:
    """The bot's own name for the conversation, once it gave one."""
    return {} if session.session_id == session.remote_jid else {"conversation_id": session.session_id}


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
