"""The outside calls that onboarding one tenant takes, in the order in which our operator makes them.

Recorded from it with the fakes' request log; floor and plain kopf make the same ones.
"""

import json
import os
import ssl
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench import objects
from controller.runtime.kube_connection import login


@dataclass(slots=True)
class OutsideCalls:
    """The fakes, for a contender. `taken` are the numbers this process has chosen already."""

    session: aiohttp.ClientSession
    twilio: str
    evolution: list[str]
    taken: set[str] = field(default_factory=set)

    async def find_number(self) -> str:
        """A number for sale that nobody here has chosen."""
        path = "AvailablePhoneNumbers/LV/Mobile.json"
        offered = await self._twilio("GET", path, params={"PageSize": "100"})
        number: str = next(
            one["phone_number"]
            for one in offered["available_phone_numbers"]
            if one["phone_number"] not in self.taken
        )
        self.taken.add(number)
        return number

    async def owned(self, number: str) -> list[Any]:
        params = {"PhoneNumber": number, "PageSize": "1000"}
        found: list[Any] = (await self._twilio("GET", "IncomingPhoneNumbers.json", params=params))[
            "incoming_phone_numbers"
        ]
        return found

    async def buy(self, number: str, name: str) -> None:
        webhook = objects.tenant(name)["spec"]["ai"]
        form = {
            "PhoneNumber": number,
            "FriendlyName": f"bench:{name}",
            "VoiceUrl": webhook["voice"]["url"],
            "SmsUrl": webhook["sms"]["url"],
        }
        await self._twilio("POST", "IncomingPhoneNumbers.json", data=form)

    async def instance(self, url: str, name: str) -> None:
        await self._evolution("GET", f"{url}/instance/fetchInstances?instanceName={name}")

    async def state(self, url: str, name: str) -> None:
        await self._evolution("GET", f"{url}/instance/connectionState/{name}")

    async def create(self, url: str, name: str, number: str) -> str:
        """Create the instance; its token."""
        body = {
            "instanceName": name,
            "integration": "EVOLUTION",
            "qrcode": False,
            "number": number.lstrip("+"),
        }
        token: str = (await self._evolution("POST", f"{url}/instance/create", body))["hash"]
        return token

    async def webhook(self, url: str, name: str) -> None:
        await self._evolution("GET", f"{url}/webhook/find/{name}")

    async def set_webhook(self, url: str, name: str) -> None:
        webhook = {
            "enabled": True,
            "url": objects.webhook_url(name),
            "events": [*objects.WEBHOOK_EVENTS],
            "headers": {"x-tenant": "t" * 500},
        }
        await self._evolution("POST", f"{url}/webhook/set/{name}", {"webhook": webhook})

    def server_of(self, name: str) -> str:
        """Where a tenant goes: in turn, by the number in its name."""
        return self.evolution[int(name.rpartition("-")[2]) % len(self.evolution)]

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
