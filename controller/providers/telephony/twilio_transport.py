"""The HTTP client beneath the Twilio SDK: ours, so that limits, time-outs and error mapping are ours too.

The SDK's own asynchronous client ignores its time-out, repeats POSTs when retries are on, and without pooling
mixes up the answers of concurrent requests (measured with 9.13).
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from twilio.http.response import Response

from controller.providers.telephony.twilio_errors import judge_answer
from controller.providers.transport import Answer, Call, Refusal, Transport

# The SDK's logger writes queries, which hold phone numbers, at INFO.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)

_SID: Final = re.compile(r"/[A-Z]{2}[0-9a-fA-F]{32}(?=/|\.|$)")
_COUNTRY: Final = re.compile(r"/[A-Z]{2}(?=/|\.json|$)")
_ACCOUNT: Final = re.compile(r"^.*/\d{4}-\d{2}-\d{2}/Accounts/\{sid\}")


class TwilioTransport:
    """Sends what the SDK asks for through our transport; errors leave as ours and pass through the SDK.

    The SDK asks nothing of its HTTP client but `request` and `is_async`.
    """

    is_async: Final = True

    def __init__(
        self, transport: Transport, *, account: str, base_url: str | None, secrets: Sequence[str]
    ) -> None:
        self._transport = transport
        self._account = account
        self._base = None if base_url is None else base_url.rstrip("/")
        self._secrets = tuple(secrets)

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the SDK's signature; ours come from the transport
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> Response:
        """Send once. Raises our errors."""
        del timeout, allow_redirects
        call = Call(
            method=method,
            url=self._address(uri),
            operation=operation_of(method, uri),
            headers=headers or {},
            params=_texts(params),
            form=_texts(data) if data else None,
            auth=auth,
        )

        def judge(answer: Answer) -> Refusal | None:
            return judge_answer(answer, method=method, account=self._account, secrets=self._secrets)

        answer = await self._transport.send(call, judge)
        return Response(answer.status, answer.text, answer.headers)

    def _address(self, uri: str) -> str:
        """All of Twilio's hosts become the one base URL, when there is one; paths stay."""
        if self._base is None:
            return uri
        wanted = urlsplit(uri)
        return f"{self._base}{wanted.path}?{wanted.query}" if wanted.query else f"{self._base}{wanted.path}"


def operation_of(method: str, uri: str) -> str:
    """`POST https://api.twilio.com/.../Accounts/AC.../IncomingPhoneNumbers/PN....json`
    -> `POST /IncomingPhoneNumbers/{sid}`.
    """
    path = _COUNTRY.sub("/{country}", _SID.sub("/{sid}", urlsplit(uri).path))
    return f"{method} {_ACCOUNT.sub('', path).removesuffix('.json') or '/Accounts/{sid}'}"


def _texts(values: Mapping[str, object] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (values or {}).items() if value is not None}
