"""Sends what the SDK composed through our own transport: limits, time-outs and error mapping are ours."""

from collections.abc import Sequence
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from controller.api.conditions import Reason
from controller.providers.errors import Retryable
from controller.providers.telephony.vonage_errors import judge_answer
from controller.providers.telephony.vonage_requests import Request
from controller.providers.transport import Answer, Call, Refusal, Transport, has_effect

_UNTOLD: Final = "an answer that cannot be understood"

Model = TypeVar("Model", bound=BaseModel)


class VonageTransport:
    """One account's way out. Holds nothing of a request, so any number may be under way at once."""

    def __init__(
        self,
        transport: Transport,
        *,
        account: str,
        login: tuple[str, str],
        base_url: str | None,
        secrets: Sequence[str],
    ) -> None:
        self._transport = transport
        self._account = account
        self._login = login
        self._base = None if base_url is None else base_url.rstrip("/")
        self._secrets = tuple(secrets)

    async def send(self, request: Request) -> Answer:
        """Send once. Raises our errors."""
        call = Call(
            method=request.method,
            url=f"{self._base or f'https://{request.host}'}{request.path}",
            operation=request.operation,
            headers={"Accept": "application/json"},
            params=request.params,
            form=request.form,
            json_body=request.json_body,
            auth=self._login,
        )

        def judge(answer: Answer) -> Refusal | None:
            return judge_answer(answer, method=request.method, account=self._account, secrets=self._secrets)

        return await self._transport.send(call, judge)

    async def ask(self, request: Request, model: type[Model]) -> Model:
        """Send once, and read the answer. Raises `Retryable` also for an answer that cannot be understood."""
        answer = await self.send(request)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError:
            # Not chained: the error of the library quotes the answer.
            raise Retryable(
                f"{self._account} gave {_UNTOLD} ({request.operation}).",
                reason=Reason.PROVIDER_UNAVAILABLE,
                outcome_unknown=has_effect(request.method),
            ) from None

    async def close(self) -> None:
        await self._transport.close()
