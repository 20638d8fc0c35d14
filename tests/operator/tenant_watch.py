"""Every version of every tenant that a test brings about, held against the rules of the API."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

from controller.runtime.cluster import KubeApi
from controller.runtime.kube_errors import ApiError
from controller.runtime.kube_resources import BUSINESS_TENANTS
from controller.runtime.kube_wire import WatchEventType
from tests.condition_rules import broken_rules


class TenantWatch:
    """Follows the tenants of one namespace; `broken` holds a sentence for every rule that was broken."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._last: dict[str, Mapping[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None
        self.broken: list[str] = []
        self.phases: dict[str, list[str]] = {}

    async def start(self) -> None:
        listing = await self._api.list(BUSINESS_TENANTS, self._namespace)
        self._task = asyncio.create_task(self._follow(listing.resource_version), name="tenant-watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self, version: str) -> None:
        with suppress(ApiError):  # the API server is stopped at the end
            events = self._api.watch(BUSINESS_TENANTS, version, self._namespace)
            async with aclosing(events):
                async for event in events:
                    if event.type is not WatchEventType.BOOKMARK:
                        self._look(event.body)

    def _look(self, body: Mapping[str, Any]) -> None:
        name, status = body["metadata"]["name"], body.get("status")
        uid = body["metadata"]["uid"]
        before = self._last.get(uid)
        if not status or (before is not None and before.get("status") == status):
            return  # written by a person; the operator has not looked at it yet
        phases = self.phases.setdefault(name, [])
        if status.get("phase") and phases[-1:] != [status["phase"]]:
            phases.append(status["phase"])
        self.broken += broken_rules(body, before)
        self._last[uid] = body
