"""Bots and OpenAI keys of a server: one code path for every kind."""

from collections.abc import Sequence
from http import HTTPMethod

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound
from controller.providers.evolution.bot_kinds import CREDENTIALS_ID, secrets_of
from controller.providers.evolution.bots import Bot, BotKind, BotSettings, OpenAICredentials
from controller.providers.evolution.bots_wire import (
    ALL_CREDENTIALS,
    BOT_SETTINGS,
    CREDENTIALS,
    MODELS,
    bot_settings_request,
    create_bot_request,
    read_bot,
    read_bots,
    update_bot_request,
)
from controller.providers.evolution.errors import CauseHidden
from controller.providers.evolution.server import Server


class OpenAIClient:
    """Implements `OpenAIOfServer`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def credentials(self, name: str) -> Sequence[OpenAICredentials]:
        """All credentials of the instance."""
        answer = await self._server.ask(HTTPMethod.GET, "/openai/creds/{name}", name=name)
        bodies = self._server.understand(answer, ALL_CREDENTIALS.validate_json) or ()
        return [body.to_credentials() for body in bodies]

    async def create_credentials(self, name: str, credentials_name: str, api_key: str) -> OpenAICredentials:
        """Register a key. Raises `Terminal` for a key in use, `Conflict` for a name in use."""
        if not credentials_name or not api_key:
            raise ValueError("OpenAI credentials need a name and a key.")
        try:
            answer = await self._server.ask(
                HTTPMethod.POST,
                "/openai/creds/{name}",
                name=name,
                body={"name": credentials_name, "apiKey": api_key},
                secrets=[api_key],
            )
        except CauseHidden as error:
            raise Conflict(
                f"{self._server.name} does not take OpenAI credentials named {credentials_name!r} and hides"
                " why: most likely another instance of its database has credentials of that name.",
                reason=Reason.NAME_TAKEN,
            ) from error
        return self._server.understand(answer, CREDENTIALS.validate_json).to_credentials()

    async def delete_credentials(self, name: str, id_: str) -> None:
        """Delete credentials and every bot that uses them; gone is success."""
        try:
            await self._server.ask(HTTPMethod.DELETE, "/openai/creds/{id}/{name}", name=name, id_=id_)
        except NotFound:
            return
        except CauseHidden as error:
            if not await self.has(name, id_):
                return
            raise Conflict(
                f"{self._server.name} does not delete OpenAI credentials that the settings of the instance's"
                " bots still name.",
                reason=Reason.NAME_TAKEN,
            ) from error

    async def models(self, name: str, id_: str) -> Sequence[str] | None:
        """Models that the key opens; None when OpenAI does not tell."""
        try:
            answer = await self._server.ask(
                HTTPMethod.GET, "/openai/getModels/{name}", name=name, query={"openaiCredsId": id_}
            )
        except CauseHidden:
            return None
        return [model.id for model in self._server.understand(answer, MODELS.validate_json) or ()]

    async def has(self, name: str, id_: str) -> bool:
        """Whether the instance has these credentials; those of other instances cannot be used."""
        return any(found.id == id_ for found in await self.credentials(name))


class BotsClient:
    """Implements `BotsOfServer`."""

    def __init__(self, server: Server, openai: OpenAIClient) -> None:
        self._server = server
        self._openai = openai

    async def read(self, name: str, kind: BotKind) -> Sequence[Bot]:
        """All bots of the kind on the instance."""
        answer = await self._server.ask(HTTPMethod.GET, f"/{kind}/find/{{name}}", name=name)
        return self._server.understand(answer, lambda content: read_bots(content, kind))

    async def create(self, name: str, bot: Bot) -> Bot:
        """Create a bot; what the server made of it comes back."""
        try:
            answer = await self._server.ask(
                HTTPMethod.POST,
                f"/{bot.kind}/create/{{name}}",
                name=name,
                body=create_bot_request(bot),
                secrets=secrets_of(bot.kind, bot.fields),
            )
        except CauseHidden:
            await self._check_credentials(name, str(bot.fields.get(CREDENTIALS_ID, "")))
            raise
        return self._server.understand(answer, lambda content: read_bot(content, bot.kind))

    async def update(self, name: str, bot: Bot) -> Bot:
        """Set everything of the bot with that id."""
        if not bot.id:
            raise ValueError("A bot is updated by its id.")
        try:
            answer = await self._server.ask(
                HTTPMethod.PUT,
                f"/{bot.kind}/update/{{id}}/{{name}}",
                name=name,
                id_=bot.id,
                body=update_bot_request(bot),
                secrets=secrets_of(bot.kind, bot.fields),
            )
        except CauseHidden as error:
            await self._explain_update(name, bot, error)
            raise
        return self._server.understand(answer, lambda content: read_bot(content, bot.kind))

    async def delete(self, name: str, kind: BotKind, id_: str) -> None:
        """Delete a bot with its sessions; gone is success."""
        try:
            await self._server.ask(HTTPMethod.DELETE, f"/{kind}/delete/{{id}}/{{name}}", name=name, id_=id_)
        except CauseHidden:
            if any(bot.id == id_ for bot in await self.read(name, kind)):
                raise
        except NotFound:
            return

    async def settings(self, name: str, kind: BotKind) -> BotSettings | None:
        """The settings as stored; None when there are none yet."""
        answer = await self._server.ask(HTTPMethod.GET, f"/{kind}/fetchSettings/{{name}}", name=name)
        stored = self._server.understand(answer, BOT_SETTINGS.validate_json)
        return stored.to_settings() if stored is not None else None

    async def set_settings(self, name: str, kind: BotKind, settings: BotSettings) -> None:
        """Set the settings of the kind."""
        try:
            await self._server.ask(
                HTTPMethod.POST,
                f"/{kind}/settings/{{name}}",
                name=name,
                body=bot_settings_request(kind, settings),
            )
        except CauseHidden:
            await self._check_credentials(name, settings.openai_credentials_id)
            raise

    async def _check_credentials(self, name: str, credentials_id: str) -> None:
        """The usual hidden cause: credentials that are gone, or another instance's."""
        if credentials_id and not await self._openai.has(name, credentials_id):
            raise NotFound(
                f"{self._server.name} has no such OpenAI credentials for this instance.",
                reason=Reason.SERVER_UNAVAILABLE,
            )

    async def _explain_update(self, name: str, wanted: Bot, hidden: CauseHidden) -> None:
        """An unknown bot and one that stands in the way are told with the same words."""
        bots = await self.read(name, wanted.kind)
        if all(bot.id != wanted.id for bot in bots):
            raise NotFound(
                f"{self._server.name} has no such bot of kind {wanted.kind} on this instance.",
                reason=Reason.SERVER_UNAVAILABLE,
            ) from hidden
        await self._check_credentials(name, str(wanted.fields.get(CREDENTIALS_ID, "")))
        if len(bots) > 1:
            raise Conflict(
                f"{self._server.name} does not change the bot of kind {wanted.kind}: another bot of that kind on"
                " the instance answers every message, or has the same trigger or settings. Delete or disable"
                " the other one.",
                reason=Reason.NAME_TAKEN,
            ) from hidden
