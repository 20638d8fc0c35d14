"""A fake of every AI that Evolution can ask, on one address, and of the platform's webhook.

Base URLs: `/openai/v1`, `/dify/<app>`, `/typebot`, `/flowise/<app>`, `/n8n/<app>`, `/evoai/<app>`,
`/evolutionBot/<app>`, and `/webhook/<name>`. It answers `<app> heard: <text>` and remembers who asked with what
context. OpenAI has the models in `models`. `GET /_sandbox/asked` lists the questions without texts and keys.
"""

from collections.abc import Mapping
from dataclasses import replace

import orjson
from aiohttp import web

from controller.sandbox.fakes.ai.questions import Asked, Via, read_question
from controller.sandbox.fakes.server import FakeServer, Handler
from controller.sandbox.fakes.wire import json_response, read_object


class AiFake(FakeServer):
    """Remembers every question in `asked`."""

    def __init__(self, models: tuple[str, ...] = ("gpt-4.1", "gpt-4.1-mini")) -> None:
        super().__init__()
        self.models = models
        self.asked: list[Asked] = []
        # A flow is told whose message it is once, at its start.
        self._flows: dict[str, Asked] = {}

    def configure(self, app: web.Application) -> None:
        app.add_routes(
            [
                web.get("/openai/v1/models", self._list_models),
                web.post(f"/{{via:{'|'.join(Via)}}}/{{path:.*}}", self._ask),
                web.get("/_sandbox/asked", self._describe_asked),
            ]
        )

    async def open(self) -> None:
        """Nothing runs in the background."""

    async def close(self) -> None:
        """Nothing runs in the background."""

    async def dispatch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    def error_response(self, request: web.Request, status: int) -> web.Response:
        del request
        return json_response({"error": {"message": "Ordered by the sandbox or unknown here"}}, status)

    def snapshot(self) -> Mapping[str, object]:
        return {"models": list(self.models), "asked": len(self.asked)}

    def clear(self) -> None:
        self.asked.clear()
        self._flows.clear()

    async def _ask(self, request: web.Request) -> web.Response:
        via, path, body = (
            Via(request.match_info["via"]),
            request.match_info["path"],
            await read_object(request),
        )
        asked = read_question(via, path, request.query, request.headers, body)
        session_id = f"flow-{len(self._flows) + 1}"
        if via is Via.TYPEBOT:
            if path.endswith("/startChat"):
                self._flows[session_id] = asked
            else:
                begun = self._flows[asked.app]
                asked = replace(asked, app=begun.app, instance=begun.instance)
        self.asked.append(asked)
        return _answer(via, f"{asked.app} heard: {asked.text}", session_id, body)

    async def _list_models(self, _: web.Request) -> web.Response:
        return json_response({"object": "list", "data": [{"id": model} for model in self.models]})

    async def _describe_asked(self, _: web.Request) -> web.Response:
        return json_response([asked.describe() for asked in self.asked])


def _answer(via: Via, text: str, session_id: str, body: Mapping[str, object]) -> web.Response:
    part = {"type": "text", "text": text}
    match via:
        case Via.OPENAI:
            return json_response({"choices": [{"message": {"role": "assistant", "content": text}}]})
        case Via.DIFY if body.get("response_mode") == "streaming":
            event = {"event": "agent_message", "conversation_id": session_id, "answer": text}
            return web.Response(text=f"data: {orjson.dumps(event).decode()}\n\n")
        case Via.DIFY:
            return json_response({"answer": text, "data": {"outputs": {"text": text}}})
        case Via.TYPEBOT:
            content = {"richText": [{"type": "p", "children": [part]}]}
            return json_response(
                {
                    "sessionId": session_id,
                    "messages": [{"type": "text", "content": content}],
                    "input": {"type": "text input"},
                }
            )
        case Via.FLOWISE:
            return json_response({"text": text})
        case Via.N8N:
            return json_response({"output": text})
        case Via.EVOAI:
            return json_response({"result": {"artifacts": [{"parts": [part]}]}})
        case Via.EVOLUTION_BOT:
            return json_response({"message": text})
        case Via.WEBHOOK:
            return json_response({})
