"""The outside calls that onboarding one tenant takes, in the order in which our operator makes them.

Recorded from it with the fakes' request log; floor and plain kopf make the same ones, with the same bodies.
"""

import asyncio
import hashlib
import json
import os
import ssl
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from bench import objects
from controller.runtime.kube_connection import login

NUMBERS_A_SEARCH: Final = 50
"""One search is for so many tenants; more are offered."""


@dataclass(slots=True)
class OutsideCalls:
    """The fakes, for a contender. `taken` are the numbers this process has chosen already, `offered` those that the
    last search found for the next ones.
    """

    session: aiohttp.ClientSession
    twilio: str
    evolution: list[str]
    taken: set[str] = field(default_factory=set)
    offered: deque[str] = field(default_factory=deque)
    searching: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find_number(self) -> str:
        """A number for sale that nobody here has chosen."""
        async with self.searching:
            while not self.offered:
                await self._search()
            number = self.offered.popleft()
        self.taken.add(number)
        return number

    async def owned(self, number: str) -> list[Any]:
        params = {"PhoneNumber": number, "PageSize": "1000"}
        found: list[Any] = (await self._twilio("GET", "IncomingPhoneNumbers.json", params=params))[
            "incoming_phone_numbers"
        ]
        return found

    async def buy(self, number: str, name: str) -> str:
        """Buy it with its mark and its routes; its id."""
        ai, tenant = objects.tenant(name)["spec"]["ai"], f"{objects.NAMESPACE}/{name}"
        form = {
            "PhoneNumber": number,
            "FriendlyName": f"bench:{_digest(name, 30)}:{tenant}",
            "VoiceUrl": f"{ai['voice']['url']}?tenant={tenant}",
            "VoiceMethod": "POST",
            "VoiceFallbackMethod": "POST",
            "StatusCallbackMethod": "POST",
            "SmsUrl": f"{ai['sms']['url']}?tenant={tenant}",
            "SmsMethod": "POST",
            "SmsFallbackMethod": "POST",
        }
        bought: str = (await self._twilio("POST", "IncomingPhoneNumbers.json", data=form))["sid"]
        return bought

    async def state(self, url: str, name: str) -> None:
        """Whether there is an instance of this name: there is none yet."""
        await self._evolution("GET", f"{url}/instance/connectionState/{instance_name(name)}")

    async def create(self, url: str, name: str, number: str, token: str) -> None:
        """Create the instance, with its webhook."""
        body = {
            "instanceName": instance_name(name),
            "integration": "EVOLUTION",
            "token": token,
            "qrcode": False,
            "rejectCall": False,
            "msgCall": "",
            "groupsIgnore": False,
            "alwaysOnline": False,
            "readMessages": False,
            "readStatus": False,
            "syncFullHistory": False,
            "number": number.lstrip("+"),
            "webhook": _webhook(name),
        }
        await self._evolution("POST", f"{url}/instance/create", body)

    async def instance(self, url: str, name: str) -> str:
        """The instance as it was made; its id."""
        rows = await self._evolution(
            "GET", f"{url}/instance/fetchInstances?instanceName={instance_name(name)}"
        )
        made: str = rows[0]["id"]
        return made

    async def webhook(self, url: str, name: str) -> None:
        await self._evolution("GET", f"{url}/webhook/find/{instance_name(name)}")

    async def set_webhook(self, url: str, name: str) -> None:
        """Change the webhook of an instance that is there."""
        body = {"webhook": _webhook(name)}
        await self._evolution("POST", f"{url}/webhook/set/{instance_name(name)}", body)

    def server_of(self, name: str) -> str:
        """Where a tenant goes: in turn, by the number in its name."""
        return self.evolution[int(name.rpartition("-")[2]) % len(self.evolution)]

    async def _search(self) -> None:
        params = {
            "SmsEnabled": "true",
            "VoiceEnabled": "true",
            "ExcludeAllAddressRequired": "true",
            "PageSize": "100",
        }
        found = await self._twilio("GET", "AvailablePhoneNumbers/LV/Mobile.json", params=params)
        numbers = (one["phone_number"] for one in found["available_phone_numbers"])
        free = [number for number in numbers if number not in self.taken]
        self.offered.extend(free[:NUMBERS_A_SEARCH])

    async def _twilio(self, method: str, path: str, **arguments: Any) -> Any:
        url = f"{self.twilio}/2010-04-01/Accounts/{objects.ACCOUNT_SID}/{path}"
        auth = aiohttp.BasicAuth(objects.ACCOUNT_SID, objects.AUTH_TOKEN)
        async with self.session.request(method, url, auth=auth, **arguments) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def _evolution(self, method: str, url: str, body: object = None) -> Any:
        async with self.session.request(
            method, url, json=body, headers={"apikey": objects.API_KEY}
        ) as answer:
            assert answer.ok or answer.status == 404, await answer.text()
            return await answer.json()


def instance_name(name: str) -> str:
    """The name of a tenant's instance, as long as our operator's."""
    return f"{name}-{_digest(name, 16)}"


def new_token(name: str) -> str:
    """An instance's token; a constant would do, but not for two instances."""
    return _digest(f"token of {name}", 48).upper()


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _webhook(name: str) -> dict[str, Any]:
    return {
        "enabled": True,
        "url": objects.webhook_url(name),
        "events": [*objects.WEBHOOK_EVENTS],
        "headers": {
            "x-tenant": f"{objects.NAMESPACE}/{name}",
            "x-business-id": name,
            "x-tenant-languages": "lv,en,ru",
            "x-tenant-features": "menu,reservations,delivery",
        },
        "byEvents": False,
        "base64": False,
    }


def outside_from_environment(session: aiohttp.ClientSession) -> OutsideCalls:
    """The fakes' addresses are in `BENCH_OUTSIDE`."""
    addresses = json.loads(os.environ["BENCH_OUTSIDE"])
    return OutsideCalls(session, addresses["twilio"], addresses["evolution"])


async def api_session(kubeconfig: str) -> aiohttp.ClientSession:
    """The API server as administrator; no retries, no limits."""
    configuration = await login(kubeconfig=kubeconfig)
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    assert configuration.cert_file is not None, "the control plane's administrator logs in by certificate"
    context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return aiohttp.ClientSession(configuration.host, connector=aiohttp.TCPConnector(ssl=context, limit=0))
