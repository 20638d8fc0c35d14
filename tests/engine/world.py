"""The world outside the operator, as tests see and change it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml

from controller.api.group import API_VERSION
from controller.runtime.cluster import KubeApi
from controller.runtime.kube_connection import KubeConnection, anonymous
from controller.runtime.kube_resources import (
    BUSINESS_TENANTS,
    EVENTS,
    EVOLUTION_SERVERS,
    LEASES,
    PHONE_PROVIDERS,
    SECRETS,
)
from controller.runtime.leases import CLAIM_LABEL
from controller.runtime.manifests import apply_manifests
from controller.runtime.settings import Settings
from controller.sandbox.apiserver import ApiServer
from controller.sandbox.fakes.ai import AiFake
from controller.sandbox.fakes.evolution import EvolutionFake, Pace
from controller.sandbox.fakes.evolution.state import Instance
from controller.sandbox.fakes.graph.fake import Account, GraphFake
from controller.sandbox.fakes.twilio import TwilioFake
from controller.sandbox.fakes.twilio.state import OwnedNumber
from tests.runtime.manual_clock import ManualClock

from .phone_accounts import (
    OTHER_TWILIO_CUSTOMER,
    TWILIO_ACCOUNT,
    PhoneAccount,
    TwilioSide,
    VonageSide,
    console,
)
from .process import OperatorProcess, operator_process
from .wire import Death, Mortality, ProcessDied, Wire

NAMESPACE = "tenants"
OPERATOR_NAMESPACE = "tenant-system"
ACCOUNT = TWILIO_ACCOUNT
API_KEY = "evolution-api-key-never-shown"
WEBHOOK_TOKEN = "Bearer webhook-token-never-shown"
CLUSTER_ID = "test"
BUSINESS_ACCOUNT = "400500600"
META_TOKEN = "meta-access-token-never-shown"
META_SECRET = "meta"
PROVIDER = TwilioSide.provider_name
SERVER = "evolution-eu"
SECOND_PROVIDER = "zz-second"
# A fake that needs no time for what the real server takes seconds for.
QUICK = Pace(
    qr_after=0,
    connect_wait=0.01,
    create_takes=0,
    reconnect_after=0,
    app_state_key_after=0,
    webhook_retries=(0,),
)
CRDS = Path(__file__).parents[2] / "crds"


@dataclass
class World:
    """One API server, one telephony provider with two customers, one Evolution server, one clock for all of them."""

    clock: ManualClock
    wire: Wire
    api_server: ApiServer
    phone: PhoneAccount
    evolution: EvolutionFake
    ai: AiFake
    url: str
    api: KubeApi
    http: httpx.AsyncClient
    settings: Settings
    stack: AsyncExitStack
    graph: GraphFake
    log_lines: list[Any] = field(default_factory=list)
    more_secrets: list[str] = field(default_factory=list)

    # ---- the operator -------------------------------------------------------------------------------------

    async def start_operator(self, mortality: Mortality | None = None) -> OperatorProcess:
        """A fresh process with its caches filled."""
        process = await self.stack.enter_async_context(
            operator_process(self.settings, self.url, self.clock, self.wire, mortality)
        )
        await process.start()
        return process

    async def ready(self, *bodies: dict[str, Any]) -> OperatorProcess:
        """Apply tenants, and run a process until it has nothing left to do."""
        await self.apply(*bodies)
        operator = await self.start_operator()
        await operator.until_quiet()
        return operator

    async def crash_after(self, what: str) -> None:
        """Run a process that dies right after it changed this, which it must."""
        mortality = Mortality(Death.AFTER, what=what)
        operator = await self.start_operator(mortality)
        with suppress(ProcessDied):
            await operator.until_quiet()
        assert mortality.died_at is not None, f"{what} was not done"

    async def assert_still(self, operator: OperatorProcess) -> None:
        """Nothing changed outside: another look changes nothing, neither in the cluster nor outside."""
        await operator.poll()  # counts of providers and servers follow their tenants
        before = (len(self.wire.kube_changes), len(self.wire.outside_changes))
        await operator.poll()
        await operator.look_at_all()
        assert self.wire.kube_changes[before[0] :] == []
        assert self.wire.outside_changes[before[1] :] == []

    # ---- the cluster --------------------------------------------------------------------------------------

    async def apply(self, *bodies: dict[str, Any]) -> None:
        await apply_manifests(self.api, bodies)

    async def tenant(self, name: str = "cafe") -> dict[str, Any]:
        body = await self.api.get(BUSINESS_TENANTS, name, NAMESPACE)
        assert body is not None, f"{name} is gone"
        return body

    async def exists(self, name: str = "cafe") -> bool:
        return await self.api.get(BUSINESS_TENANTS, name, NAMESPACE) is not None

    async def status(self, name: str = "cafe") -> dict[str, Any]:
        status: dict[str, Any] = (await self.tenant(name)).get("status") or {}
        return status

    async def condition(self, type_: str, name: str = "cafe") -> dict[str, Any]:
        conditions = {c["type"]: c for c in (await self.status(name)).get("conditions") or ()}
        found: dict[str, Any] = conditions.get(type_) or {"status": "absent", "reason": "", "message": ""}
        return found

    async def is_ready(self, name: str = "cafe") -> bool:
        return bool((await self.condition("Ready", name))["status"] == "True")

    async def edit(self, patch: dict[str, Any], name: str = "cafe") -> None:
        """Merge into the spec."""
        await self.api.merge_patch(BUSINESS_TENANTS, name, {"spec": patch}, NAMESPACE)

    async def annotate(self, name: str = "cafe", **annotations: str | None) -> None:
        values = {f"x-sevenai.com/{key.replace('_', '-')}": value for key, value in annotations.items()}
        await self.api.merge_patch(BUSINESS_TENANTS, name, {"metadata": {"annotations": values}}, NAMESPACE)

    async def forget_routing(self, name: str = "cafe") -> None:
        """As after a crash between the webhook and the status that tells of it."""
        await self.api.merge_patch(
            BUSINESS_TENANTS, name, {"status": {"routing": None}}, NAMESPACE, subresource="status"
        )

    async def delete(self, name: str = "cafe") -> None:
        await self.api.delete(BUSINESS_TENANTS, name, NAMESPACE)

    async def provider(self) -> dict[str, Any]:
        return await self.api.get(PHONE_PROVIDERS, self.phone.provider_name) or {}

    async def server(self) -> dict[str, Any]:
        return await self.api.get(EVOLUTION_SERVERS, SERVER) or {}

    async def edit_provider(self, patch: dict[str, Any], name: str | None = None) -> None:
        await self.api.merge_patch(PHONE_PROVIDERS, name or self.phone.provider_name, {"spec": patch})

    async def delete_provider(self, name: str | None = None) -> None:
        await self.api.delete(PHONE_PROVIDERS, name or self.phone.provider_name)

    async def edit_server(self, patch: dict[str, Any]) -> None:
        await self.api.merge_patch(EVOLUTION_SERVERS, SERVER, {"spec": patch})

    async def claims(self) -> list[str]:
        """Names of the claims on numbers that exist."""
        leases = await self.api.list(LEASES, OPERATOR_NAMESPACE, label_selector=f"{CLAIM_LABEL}=number")
        return [lease["metadata"]["name"] for lease in leases.items]

    async def events(self, reason: str | None = None) -> list[str]:
        """Messages of the Events about tenants."""
        items = (await self.api.list(EVENTS, NAMESPACE)).items
        return [event["message"] for event in items if reason in (None, event["reason"])]

    async def put_token(self, token: str) -> None:
        """Meta's access token of the tenants, as somebody writes it into the Secret."""
        await self.apply(_secret(META_SECRET, NAMESPACE, token=token))

    async def secret(self, name: str) -> dict[str, str] | None:
        body = await self.api.get(SECRETS, name, NAMESPACE)
        return None if body is None else dict(body.get("data") or {})

    # ---- outside ------------------------------------------------------------------------------------------

    @property
    def charges(self) -> list[str]:
        """Numbers bought by our account, in order."""
        return self.phone.charges()

    @property
    def twilio(self) -> TwilioFake:
        """The provider, where it is Twilio."""
        assert isinstance(self.phone, TwilioSide)
        return self.phone.fake

    @property
    def numbers(self) -> dict[str, OwnedNumber]:
        """Numbers that our account owns, as Twilio has them."""
        return {n.phone_number: n for n in self.twilio.world.numbers.values() if n.account_sid == ACCOUNT}

    def number(self) -> OwnedNumber:
        """The only number that our account owns."""
        (number,) = self.numbers.values()
        return number

    @property
    def instances(self) -> dict[str, Instance]:
        return self.evolution.world.instances

    def instance(self) -> Instance:
        """The only instance."""
        (instance,) = self.instances.values()
        return instance

    def is_routed(self) -> bool:
        """Whether the only instance tells anybody of its messages."""
        webhook = self.instance().webhook
        return webhook is not None and webhook.enabled

    async def twilio_console(self, path: str, body: object = None) -> None:
        """What somebody does at Twilio behind the operator's back; without a body: delete."""
        await console(self.http, self.twilio, path, body)

    async def evolution_console(self, path: str, body: object = None) -> None:
        """The same at the Evolution server."""
        await console(self.http, self.evolution, path, body)

    async def meta_console(self, path: str, body: object = None) -> None:
        """The same at Meta."""
        await console(self.http, self.graph, path, body)

    async def register_at_meta(self, number: str, phone_number_id: str = "100200300") -> None:
        """A person registers a number in the business account."""
        numbers = {phone_number_id: number}
        await self.meta_console("accounts", {"id": BUSINESS_ACCOUNT, "token": META_TOKEN, "numbers": numbers})

    async def issue_meta_token(self, token: str) -> None:
        """A person makes another access token for the business account."""
        await self.meta_console("accounts", {"id": BUSINESS_ACCOUNT, "token": token, "numbers": {}})

    def secrets(self) -> list[str]:
        """Everything that must never be seen in a status, an event or a log line."""
        keys = [found.api_key for found in self.evolution.world.database.bots.credentials.values()]
        instances = self.instances.values()
        tokens = [*self.graph.world.tokens, *(i.token for i in instances)]
        offered = [code for i in instances if i.qr for code in (i.qr.code, i.qr.pairing_code) if code]
        shown = [f"{code[:4]}-{code[4:]}" for code in offered]
        return [
            *(*self.phone.secrets, *self.phone.received_texts(), API_KEY, WEBHOOK_TOKEN),
            *(*tokens, *offered, *shown, *keys, *self.more_secrets),
        ]


@asynccontextmanager
async def running_world(
    wire: Wire,
    *,
    phone: type[TwilioSide | VonageSide] = TwilioSide,
    manual_pairing: bool = False,
    metrics: bool = True,
    **settings: Any,
) -> AsyncIterator[World]:
    """Start everything, and put the CRDs, the provider, the server and the Secrets in place.

    `phone` says which telephony provider the world has.
    """
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        api_server = ApiServer(now=clock.now)
        url = await api_server.start()
        stack.push_async_callback(api_server.stop)
        http = await stack.enter_async_context(httpx.AsyncClient(verify=False))  # noqa: S501 - plain HTTP; saves loading certificates
        account = phone(http, clock.now)
        await account.fake.start()
        stack.push_async_callback(account.fake.stop)
        ai = AiFake()
        await ai.start()
        stack.push_async_callback(ai.stop)
        evolution = EvolutionFake(
            openai_base_url=f"{ai.base_url}/openai/v1",
            api_key=API_KEY,
            now=clock.now,
            pace=QUICK,
            scan_after=0,
            delete_after=0,
            manual_pairing=manual_pairing,
            metrics=metrics,
        )
        await evolution.start()
        stack.push_async_callback(evolution.stop)
        graph = GraphFake(
            accounts=[Account(BUSINESS_ACCOUNT, META_TOKEN, {})], manual_review=True, now=clock.now
        )
        await graph.start()
        stack.push_async_callback(graph.stop)
        for definition in custom_resources():
            api_server.install_crd(definition)
        connection = KubeConnection(anonymous(url))
        stack.push_async_callback(connection.close)
        given = Settings(
            cluster_id=CLUSTER_ID,
            operator_namespace=OPERATOR_NAMESPACE,
            meta_base_url=graph.base_url,
            # Every process works on everything: what two of them do to one tenant is seen best that way.
            shards=0,
            **settings,
        )
        world = World(
            clock,
            wire,
            api_server,
            account,
            evolution,
            ai,
            url,
            KubeApi(connection),
            http,
            given,
            AsyncExitStack(),
            graph,
        )
        await world.apply(*_standing_objects(world))
        async with world.stack:
            yield world


@cache
def custom_resources() -> tuple[dict[str, Any], ...]:
    """The definitions of our kinds; parsed once, which takes longer than many a test."""
    return tuple(yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml")))


def _standing_objects(world: World) -> list[dict[str, Any]]:
    return [
        *(_object("v1", "Namespace", name) for name in (NAMESPACE, OPERATOR_NAMESPACE)),
        _secret(world.phone.secret_name, OPERATOR_NAMESPACE, **world.phone.credentials()),
        _secret("evolution", OPERATOR_NAMESPACE, apiKey=API_KEY),
        _secret("hook", NAMESPACE, token=WEBHOOK_TOKEN),
        _secret(META_SECRET, NAMESPACE, token=META_TOKEN),
        provider_object(world.phone.provider_name, world.phone.fake.base_url, **world.phone.spec()),
        server_object(SERVER, world.evolution.base_url),
    ]


def provider_object(name: str, url: str, **spec: Any) -> dict[str, Any]:
    """A PhoneProvider; of our account at Twilio unless `spec` says otherwise."""
    return _object(
        API_VERSION,
        "PhoneProvider",
        name,
        spec={
            **({} if "type" in spec else _TWILIO),
            "apiBaseURL": url,
            "limits": {"requestsPerSecond": 1000, "concurrent": 64},
            **spec,
        },
    )


_TWILIO = {"type": "Twilio", "twilio": {"accountSID": ACCOUNT, "credentialsSecretRef": {"name": PROVIDER}}}


def server_object(name: str, url: str, **spec: Any) -> dict[str, Any]:
    """An EvolutionServer whose rows are listed every ten minutes, or after a sign that they changed."""
    return _object(
        API_VERSION,
        "EvolutionServer",
        name,
        spec={
            "url": url,
            "apiKeySecretRef": {"name": "evolution", "key": "apiKey"},
            "defaultWebhook": "http://platform.test/webhook",
            "pollInterval": "1m",
            "limits": {"requestsPerSecond": 1000, "concurrent": 64},
            **spec,
        },
    )


def second_account(world: World) -> list[dict[str, Any]]:
    """A PhoneProvider of Twilio's other customer, and its Secret: it works, and is asked after the world's own."""
    account = {"accountSID": OTHER_TWILIO_CUSTOMER, "credentialsSecretRef": {"name": SECOND_PROVIDER}}
    return [
        _secret(SECOND_PROVIDER, OPERATOR_NAMESPACE, authToken="other"),
        provider_object(SECOND_PROVIDER, world.phone.fake.base_url, twilio=account),
    ]


def _object(api_version: str, kind: str, name: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **rest}


def _secret(secret_name: str, namespace: str, **values: str) -> dict[str, Any]:
    metadata = {"name": secret_name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}
