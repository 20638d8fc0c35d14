"""What Kubernetes and Prometheus ask the process: /healthz, /readyz, /metrics."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Check = Callable[[], str | None]
"""None when all is well, otherwise a sentence that says what is wrong."""


def probes_application(registry: CollectorRegistry, *, healthy: Check, ready: Check) -> web.Application:
    """The web application of the probes.

    `healthy` failing means that only a restart helps (the workers are gone); that the event loop turns is
    proven by the answer itself. `ready` failing means that it takes no part now (caches not filled yet).
    """

    async def metrics(request: web.Request) -> web.Response:
        # Rendering takes milliseconds even with many series; in the loop it sees one moment.
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    application.router.add_get("/healthz", _probe(healthy))
    application.router.add_get("/readyz", _probe(ready))
    return application


def _probe(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        problem = check()
        return web.Response(text=problem or "ok", status=200 if problem is None else 503)

    return answer
