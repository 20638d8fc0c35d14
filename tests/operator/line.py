"""The line between an operator and its API server, which can be cut and mended."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tests.operator.clusters import Cluster

CHUNK = 65536


class Line:
    """A port on loopback that passes everything on. While it is cut it hangs up on whoever calls, and counts them."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._is_cut = False
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.StreamWriter] = set()
        self.hung_up = 0

    @classmethod
    async def to(cls, cluster: Cluster, folder: Path) -> tuple["Line", Cluster]:
        """The line, and the cluster as it is seen over it."""
        document = yaml.safe_load(cluster.kubeconfig.read_text())
        (entry,) = document["clusters"]
        url = urlsplit(entry["cluster"]["server"])
        assert url.hostname is not None
        assert url.port is not None
        line = cls(url.hostname, url.port)
        line._server = await asyncio.start_server(line._pass_on, "127.0.0.1", 0)
        port = line._server.sockets[0].getsockname()[1]
        entry["cluster"]["server"] = f"{url.scheme}://127.0.0.1:{port}"
        kubeconfig = folder / "kubeconfig-of-the-line"
        kubeconfig.write_text(yaml.safe_dump(document))
        return line, replace(cluster, kubeconfig=kubeconfig)

    def cut(self) -> None:
        """Break off every call, and take no other."""
        self._is_cut, self.hung_up = True, 0
        self._hang_up()

    def mend(self) -> None:
        self._is_cut = False

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._hang_up()
        await self._server.wait_closed()

    def _hang_up(self) -> None:
        for writer in self._calls:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.hung_up += 1
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._upstream)
        self._calls |= {writer, back}
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            self._calls -= {writer, back}
            writer.transport.abort()
            back.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
