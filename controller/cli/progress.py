"""Tenants on their way to Ready, as lines while they move and one table at the end."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_resources import BUSINESS_TENANTS

COLUMNS: Final = ("NAMESPACE", "NAME", "PHASE", "NUMBER", "WHATSAPP", "AI", "READY", "AGE")
LOOK_SECONDS: Final = 0.25
MINUTE: Final = 60


class Progress:
    """Follows some tenants by namespace and name."""

    def __init__(self, api: KubeApi, tenants: Collection[tuple[str, str]], console: Console) -> None:
        self._api = api
        self._tenants = tenants
        self._console = console
        self._said: dict[tuple[str, str], str] = {}

    async def follow(self, seconds: float | None, stop: asyncio.Event) -> bool:
        """Say what moves until all are Ready, the time is up or `stop` is set; answers whether all are Ready."""
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        while True:
            bodies = await self._look()
            ready = sum(_ready(body) == "True" for body in bodies)
            late = deadline is not None and asyncio.get_running_loop().time() >= deadline
            if ready == len(self._tenants) or late or stop.is_set():
                self._print_table(bodies)
                self._print_reasons(bodies)
                self._console.print(f"{ready}/{len(self._tenants)} tenants Ready", highlight=False)
                return ready == len(self._tenants)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> list[dict[str, Any]]:
        listed = (await self._api.list(BUSINESS_TENANTS)).items
        bodies = [body for body in listed if _key(body) in self._tenants]
        for body in bodies:
            status = body.get("status") or {}
            line = f"{status.get('phase', 'Pending')}: {status.get('message', '')}"
            if status and self._said.get(_key(body)) != line:
                self._said[_key(body)] = line
                self._console.print(
                    f"  {body['metadata']['name']:<20} {line}", highlight=False, soft_wrap=True
                )
        return sorted(bodies, key=_key)

    def _print_table(self, bodies: list[dict[str, Any]]) -> None:
        table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
        for body in bodies:
            status = body.get("status") or {}
            table.add_row(
                *_key(body),
                status.get("phase", ""),
                (status.get("phoneNumber") or {}).get("number", ""),
                (status.get("instance") or {}).get("state", ""),
                (status.get("routing") or {}).get("route", ""),
                _ready(body),
                _age(body),
            )
        self._console.print()
        self._console.print(table)

    def _print_reasons(self, bodies: list[dict[str, Any]]) -> None:
        for body in bodies:
            if _ready(body) != "True":
                status = body.get("status") or {}
                name = body["metadata"]["name"]
                self._console.print(
                    f"{name}: {status.get('message', 'not looked at yet')}", highlight=False, soft_wrap=True
                )


def _key(body: dict[str, Any]) -> tuple[str, str]:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _age(body: dict[str, Any]) -> str:
    seconds = int(
        (datetime.now(UTC) - datetime.fromisoformat(body["metadata"]["creationTimestamp"])).total_seconds()
    )
    return f"{seconds}s" if seconds < MINUTE else f"{seconds // MINUTE}m{seconds % MINUTE}s"


def _ready(body: dict[str, Any]) -> str:
    conditions = (body.get("status") or {}).get("conditions") or []
    return next((c["status"] for c in conditions if c["type"] == "Ready"), "")
