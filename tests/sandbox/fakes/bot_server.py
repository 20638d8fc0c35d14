"""An AI that answers in the form of whichever kind of bot is asked, and remembers what it was asked."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class BotServer:
    """Its answer is `answer`, in every field a kind looks for it."""

    answer: str = "Hello!"
    status: int = 200
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._answer)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(Asked(request.path, dict(request.headers), body))
        if body.get("response_mode") == "streaming":
            return web.Response(text=self._stream(), status=self.status)
        part = {"type": "text", "text": self.answer}
        return web.json_response(
            {
                "message": self.answer,
                "text": self.answer,
                "output": self.answer,
                "answer": self.answer,
                "conversation_id": "conversation-1",
                "data": {"outputs": {"text": self.answer}},
                "result": {"artifacts": [{"parts": [part]}]},
                "choices": [{"message": {"role": "assistant", "content": self.answer}}],
                "sessionId": "typebot-1",
                "messages": [
                    {"type": "text", "content": {"richText": [{"type": "p", "children": [part]}]}},
                ],
                "input": {"type": "text input"},
            },
            status=self.status,
        )

    def _stream(self) -> str:
        middle = len(self.answer) // 2
        events = [
            f'data: {{"event": "agent_message", "conversation_id": "conversation-1", "answer": "{half}"}}'
            for half in (self.answer[:middle], self.answer[middle:])
        ]
        return "\n\n".join([*events, 'data: {"event": "message_end"}'])

    async def _models(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == "Bearer sk-main"
        return web.json_response({"data": [{"id": "gpt-4o"}]}, status=200 if known else 401)
