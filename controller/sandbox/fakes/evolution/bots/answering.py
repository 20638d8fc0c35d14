"""Bots that answer: each inbound message goes to every kind, and what a bot says goes out as a message.

That the kinds are asked independently, so that an `all` bot of two kinds answers twice, is among the measured
facts, and only enabled bots answer. By the server's source it is otherwise for a contact who has a conversation:
that one stays with its bot, disabled or not, and no other kind answers. `ServerOptions.sticky_sessions` makes it so.
The rest is as read in the source, with these differences: no pause before an answer (`delayMessage`, `timePerChar`),
`debounceTime` runs as fast as `Pace.bot_second`, and links in an answer stay text.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass

from controller.sandbox.fakes.evolution.bots.kinds import RULES, Kind
from controller.sandbox.fakes.evolution.bots.requests import Question, Reply, bot_call
from controller.sandbox.fakes.evolution.bots.store import Bot, Session, SessionStatus
from controller.sandbox.fakes.evolution.bots.triggers import triggered
from controller.sandbox.fakes.evolution.errors import RefusalError
from controller.sandbox.fakes.evolution.outbound import Outbound, OutboundError
from controller.sandbox.fakes.evolution.sending import send_text
from controller.sandbox.fakes.evolution.state import Instance, World


@dataclass(frozen=True, slots=True)
class Call:
    """How one call of a bot ended. `status` is None when no answer came; `sent` counts the messages it made."""

    instance: str
    kind: Kind
    bot_id: str
    url: str
    status: int | None
    sent: int

    def describe(self) -> dict[str, object]:
        return {
            "instance": self.instance,
            "kind": self.kind,
            "botId": self.bot_id,
            "url": self.url,
            "status": self.status,
            "sent": self.sent,
        }


class Answering:
    """Asks bots in the background."""

    def __init__(self, world: World, outbound: Outbound) -> None:
        self._world = world
        self._outbound = outbound
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[tuple[str, str], list[str]] = {}
        self.calls: deque[Call] = deque(maxlen=1_000)

    def receive(self, instance: Instance, message: Mapping[str, object]) -> None:
        """Hand an inbound message to the instance's bots; the answers come later."""
        question = _question(message)
        if question is not None:
            self._start(self._ask_every_kind(instance, question))

    def clear(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._waiting.clear()
        self.calls.clear()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_every_kind(self, instance: Instance, question: Question) -> None:
        for kind in RULES:
            if kind not in self._world.options.disabled_bots or RULES[kind].always_on:
                await self._ask_kind(instance, kind, question)

    async def _ask_kind(self, instance: Instance, kind: Kind, question: Question) -> None:
        store = self._world.database.bots
        if not store.of_instance(instance.id, kind):
            return
        settings = store.settings.get((instance.id, kind))
        if settings is not None and _ignored(settings.values["ignoreJids"], question.remote_jid):
            return
        session = self._session_of(instance, kind, question)
        bot = self._bot_for(instance, kind, question, session)
        if bot is None or not _listens(bot, session, question):
            return
        seconds = bot.values.get("debounceTime")
        if isinstance(seconds, int) and seconds > 0:
            self._debounce(instance, bot, question, seconds)
        else:
            await self._converse(instance, bot, question)

    def _session_of(self, instance: Instance, kind: Kind, question: Question) -> Session | None:
        asked = None if self._world.options.sticky_sessions else kind
        return self._world.database.bots.session_of(instance.id, asked, question.remote_jid)

    def _bot_for(
        self, instance: Instance, kind: Kind, question: Question, session: Session | None
    ) -> Bot | None:
        """A conversation stays with its bot while that one is enabled; else the trigger, else the fallback."""
        store = self._world.database.bots
        bots = store.of_instance(instance.id, kind)
        found = next((bot for bot in bots if session is not None and bot.id == session.bot_id), None)
        if found is not None and (found.values["enabled"] is True or self._world.options.sticky_sessions):
            return found
        found = (
            triggered(bots, question.text)
            if session is None or not self._world.options.sticky_sessions
            else None
        )
        settings = store.settings.get((instance.id, kind))
        if found is None and settings is not None and RULES[kind].reads_fallback:
            found = store.bots.get(settings.fallback_id or "")
        return found

    def _debounce(self, instance: Instance, bot: Bot, question: Question, seconds: int) -> None:
        """Collect what a contact writes until it is quiet for the bot's `debounceTime`, then ask once."""
        key = (bot.id, question.remote_jid)
        texts = self._waiting.setdefault(key, [])
        texts.append(question.text)
        collected = len(texts)

        def quiet() -> None:
            if self._waiting.get(key) is texts and len(texts) == collected:
                del self._waiting[key]
                whole = Question(
                    "\n".join(texts),
                    question.remote_jid,
                    question.push_name,
                    question.from_me,
                    question.key_id,
                )
                self._start(self._converse(instance, bot, whole))

        self._world.timers.after(seconds * self._world.pace.bot_second, quiet)

    async def _converse(self, instance: Instance, bot: Bot, question: Question) -> None:
        world, store = self._world, self._world.database.bots
        session = self._session_of(instance, bot.kind, question)
        if session is None or session.bot_id != bot.id:
            now = world.timestamp()
            session = Session(
                world.cuid(),
                bot.id,
                bot.kind,
                instance.id,
                question.remote_jid,
                question.push_name or None,
                question.remote_jid,
                now,
                now,
            )
            store.sessions[session.id] = session
        elif _finishes(bot, question.text):
            session.status = SessionStatus.CLOSED
            return
        call = bot_call(world, instance, bot, session, question)
        if call is None:
            return
        try:
            answer = await self._outbound.call("POST", call.url, body=call.body, headers=call.headers)
        except OutboundError as error:
            self.calls.append(Call(instance.name, bot.kind, bot.id, call.url, error.status, 0))
            return
        reply = call.read(answer)
        self._continue(session, reply)
        sent = await self._send(instance, bot, question, reply)
        self.calls.append(Call(instance.name, bot.kind, bot.id, call.url, answer.status, sent))

    def _continue(self, session: Session, reply: Reply) -> None:
        session.await_user = True
        session.updated_at = self._world.timestamp()
        if reply.session_id is not None and session.session_id == session.remote_jid:
            session.session_id = reply.session_id
        if reply.ended:
            self._world.database.bots.sessions.pop(session.id, None)

    async def _send(self, instance: Instance, bot: Bot, question: Question, reply: Reply) -> int:
        """Return how many messages went out. A channel that is closed makes it none, without a word."""
        if reply.text is None or instance.live is None:
            return 0
        splits = bot.values.get("splitMessages") is True and bot.kind is not Kind.EVOLUTION_BOT
        parts = [part for part in reply.text.split("\n\n") if part.strip()] if splits else [reply.text]
        number = question.remote_jid.partition("@")[0]
        sent = 0
        for part in parts:
            try:
                message = await send_text(self._world, self._outbound, instance, number, part, bot_id=bot.id)
            except RefusalError:
                break
            sent += "key" in message
        return sent


def _question(message: Mapping[str, object]) -> Question | None:
    key, content = message.get("key"), message.get("message")
    if not isinstance(key, dict) or not isinstance(content, dict):
        return None
    text, remote_jid = content.get("conversation"), key.get("remoteJid")
    if not isinstance(text, str) or not isinstance(remote_jid, str):
        return None
    push_name = message.get("pushName")
    return Question(
        text,
        remote_jid,
        push_name if isinstance(push_name, str) else "",
        from_me=key.get("fromMe") is True,
        key_id=key.get("id"),
    )


def _ignored(ignored: object, remote_jid: str) -> bool:
    """`@g.us` stands for all groups, `@s.whatsapp.net` for all people."""
    wanted = {remote_jid, "@" + remote_jid.partition("@")[2]}
    return isinstance(ignored, list) and not wanted.isdisjoint(ignored)


def _listens(bot: Bot, session: Session | None, question: Question) -> bool:
    if question.from_me:
        if bot.values["stopBotFromMe"] is True and session is not None:
            session.status = SessionStatus.PAUSED
            return False
        if bot.values["listeningFromMe"] is not True:
            return False
    return session is None or session.status is SessionStatus.OPENED


def _finishes(bot: Bot, text: str) -> bool:
    keyword = bot.text("keywordFinish")
    return bool(keyword) and text.strip().lower() == keyword.lower()
