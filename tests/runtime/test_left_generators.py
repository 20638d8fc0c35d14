"""What a cancelled library leaves suspended is closed as it was begun, and nothing complains when the loop ends."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from controller.left_generators import closing_generators


class Library:
    """A watch as kopf's is: a generator within a context manager that is one too, and each takes a turn to close."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.left: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def connection(self, name: str) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.sleep(0)
            self.closed.append(f"{name}: connection")

    async def events(self, name: str) -> AsyncIterator[int]:
        try:
            async with self.connection(name):
                while True:
                    yield 1
                    await asyncio.sleep(0)
        finally:
            self.closed.append(f"{name}: events")

    async def watch(self, name: str) -> None:
        stream = self.events(name)  # a local, which a traceback keeps
        async for _ in stream:
            await asyncio.get_running_loop().create_future()  # cancelled here, between two events


async def cancelled(library: Library, name: str, kept: list[object]) -> None:
    task = asyncio.create_task(library.watch(name))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        kept.append(error)  # a traceback keeps every frame, and so the generators, until the loop ends


def complaints_of(main: Any) -> list[str]:
    complaints: list[str] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told["message"]))
        await main()

    with asyncio.Runner() as runner:
        runner.run(run())
    gc.collect()
    return complaints


def test_what_is_left_is_closed_in_order() -> None:
    library, kept = Library(), []

    async def main() -> None:
        async with closing_generators("tests"):
            for name in ("first", "second"):
                await cancelled(library, name, kept)
            assert library.closed == []
        assert library.closed == [
            "first: connection",
            "first: events",
            "second: connection",
            "second: events",
        ]

    assert complaints_of(main) == []


def test_other_generators_are_left_alone() -> None:
    library, kept = Library(), []

    async def main() -> None:
        async with closing_generators("kopf"):
            await cancelled(library, "ours", kept)
        assert library.closed == []

    complaints_of(main)


def test_each_of_two_closes_its_own_also_when_the_older_ends_first() -> None:
    library, kept = Library(), []

    async def one(name: str, stop: asyncio.Event) -> None:
        async with closing_generators("tests"):
            await cancelled(library, name, kept)
            await stop.wait()

    async def main() -> None:
        async with AsyncExitStack() as stack:
            stops = asyncio.Event(), asyncio.Event()
            tasks = [asyncio.create_task(one(name, stop)) for name, stop in zip("ab", stops, strict=True)]
            stack.callback(lambda: [task.cancel() for task in tasks])
            await asyncio.sleep(0.01)
            stops[0].set()
            await tasks[0]
            assert library.closed == ["a: connection", "a: events"]
            stops[1].set()
            await tasks[1]
            assert library.closed[2:] == ["b: connection", "b: events"]

    assert complaints_of(main) == []
