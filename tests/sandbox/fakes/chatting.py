"""A shop with bots, its customers who write, and what they are answered."""

import asyncio
from typing import Any

from controller.sandbox.fakes.evolution import Kind

from .conftest import EvolutionServer

CONTACT = "37120000009"
JID = f"{CONTACT}@s.whatsapp.net"


async def add_bot(server: EvolutionServer, kind: str, url: str, **fields: object) -> str:
    own: dict[str, dict[str, object]] = {
        Kind.EVOLUTION_BOT: {"apiUrl": f"{url}/bot", "apiKey": "k"},
        Kind.TYPEBOT: {"url": url, "typebot": "hello"},
        Kind.OPENAI: {"botType": "chatCompletion", "model": "gpt-4o", "maxTokens": 100},
        Kind.DIFY: {"botType": "chatBot", "apiUrl": f"{url}/dify", "apiKey": "k"},
        Kind.N8N: {"webhookUrl": f"{url}/webhook/x", "basicAuthUser": "u", "basicAuthPass": "p"},
        Kind.EVOAI: {"agentUrl": f"{url}/agent", "apiKey": "k"},
        Kind.FLOWISE: {"apiUrl": f"{url}/flow", "apiKey": "k"},
    }
    body = {"enabled": True, "triggerType": "all", **own[kind], **fields}
    if kind == Kind.OPENAI:
        credentials = {"name": "main", "apiKey": "sk-main"}
        present = (await server.client.get("/openai/creds/shop")).json()
        if not present:
            present = [(await server.client.post("/openai/creds/shop", json=credentials)).json()]
        body["openaiCredsId"] = present[0]["id"]
    response = await server.client.post(f"/{kind}/create/shop", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def write(server: EvolutionServer, text: str, **fields: object) -> None:
    await server.control("instances/shop/inbound", {"from": CONTACT, "text": text, **fields})


async def messages(server: EvolutionServer) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = (await server.client.get("/_sandbox/instances/shop/messages")).json()
    return stored


async def answers(server: EvolutionServer, count: int) -> list[tuple[str, str]]:
    """Wait for so many answers; return who said what."""
    async with asyncio.timeout(5):
        while True:
            found = [
                (message["botId"], message["message"]["conversation"])
                for message in await messages(server)
                if message["key"]["fromMe"]
            ]
            if len(found) >= count:
                return found


async def calls(server: EvolutionServer, count: int) -> list[dict[str, Any]]:
    """Wait until bots were called so often."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while len(found) < count:
            found = (await server.client.get("/_sandbox/bots/calls")).json()
    return found
