"""The HTTP API with which a person pairs a tenant's WhatsApp; docs/pairing.md describes it.

What it answers is for the one who asked: nothing of it is logged, kept or told in Events.
"""

import asyncio
import math
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from weakref import WeakValueDictionary

import orjson
import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.reconcile.context import Context
from controller.reconcile.instance.pairing import (
    CodeOffered,
    Connected,
    PairingAnswer,
    PairWith,
    Preparing,
    Wish,
    pair,
)
from controller.reconcile.not_possible import NotPossibleError, Obstacle
from controller.reconcile.number.verification_sms import verification_sms
from controller.reconcile.ports import Announcement, EventType
from controller.reconcile.tenant_object import InvalidTenant, Tenant, TenantKey
from controller.runtime.access import Access, User
from controller.runtime.allowance import Allowance
from controller.runtime.kube_errors import ApiError, ApiForbidden
from controller.runtime.tenant_cache import TenantCache

log = structlog.get_logger(__name__)

REFRESH_SECONDS: Final = 5
"""How often somebody who looks at a code asks again; a scan is seen by the next request."""
_BODY_LIMIT: Final = 4096
_SHOWN_NAME: Final = 128
_STATUS: Final = {
    Obstacle.TENANT: HTTPStatus.CONFLICT,
    Obstacle.OUTSIDE: HTTPStatus.SERVICE_UNAVAILABLE,
    Obstacle.NOT_OFFERED: HTTPStatus.NOT_IMPLEMENTED,
}


class PairingRequest(BaseModel):
    """Body of a pairing request; an empty one asks for a QR code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pair_with: PairWith = Field(PairWith.QR, alias="with")
    number: str | None = Field(None, pattern=r"^\+[1-9]\d{6,14}$")


class _Refusal(Exception):  # noqa: N818 - an answer, not a failure of ours
    def __init__(self, status: HTTPStatus, sentence: str, *, after: float | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.after = after


@dataclass(frozen=True, slots=True)
class _Caller:
    user: User
    tenant: Tenant


class PairingApi:
    """Lets in who may, and hands over what the decisions answer. One request a tenant at a time."""

    def __init__(self, context: Context, tenants: TenantCache, access: Access) -> None:
        self._context = context
        self._tenants = tenants
        self._access = access
        self._allowance = Allowance(context.clock)
        self._turns: WeakValueDictionary[TenantKey, asyncio.Lock] = WeakValueDictionary()

    def application(self) -> web.Application:
        """The web application."""
        application = web.Application(middlewares=[_answer_errors], client_max_size=_BODY_LIMIT)
        tenant = "/v1/namespaces/{namespace}/tenants/{name}"
        application.router.add_post(f"{tenant}/pairing", self._pair)
        application.router.add_post(f"{tenant}/verification-sms", self._verification_sms)
        return application

    async def _pair(self, request: web.Request) -> web.Response:
        caller = await self._let_in(request)
        wish = await _wish(request)
        async with self._turn(caller.tenant.key):
            answer = await pair(caller.tenant, wish, self._context)
        if isinstance(answer, CodeOffered):
            self._tell(caller, "CodeShown", f"a code to pair {answer.number or 'its WhatsApp'} with")
        return _pairing_response(answer)

    async def _verification_sms(self, request: web.Request) -> web.Response:
        caller = await self._let_in(request)
        messages = await verification_sms(caller.tenant, self._context)
        if messages:
            self._tell(caller, "VerificationShown", "the verification SMS that WhatsApp sent to its number")
        shown = [
            {"from": one.sender, "receivedAt": one.received_at.isoformat(), "text": one.text}
            for one in messages
        ]
        return _json({"messages": shown})

    async def _let_in(self, request: web.Request) -> _Caller:
        """Nothing is done, and nothing of a tenant told, before this. Raises `_Refusal`."""
        key = TenantKey(request.match_info["namespace"], request.match_info["name"])
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = await self._access.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise _Refusal(
                HTTPStatus.UNAUTHORIZED, "Send a valid Kubernetes token: Authorization: Bearer ..."
            )
        name = _shown(user)
        if not await self._access.may_pair(user, key):
            log.warning("pairing refused", tenant=str(key), user=name)
            raise _Refusal(
                HTTPStatus.FORBIDDEN,
                f"{name} may not create businesstenants/pairing of {key}. Bind the ClusterRole tenant-pairing in"
                f" namespace {key.namespace}.",
            )
        tenant = self._tenants.get(key)
        if tenant is None:
            raise _Refusal(HTTPStatus.NOT_FOUND, f"There is no BusinessTenant {key}.")
        if isinstance(tenant, InvalidTenant):
            raise _Refusal(HTTPStatus.CONFLICT, f"{key} cannot be understood: {tenant.complaint}")
        wait = self._allowance.wait(key)
        if wait > 0:
            raise _Refusal(
                HTTPStatus.TOO_MANY_REQUESTS, f"{key} was asked for too often. Ask more slowly.", after=wait
            )
        return _Caller(user, tenant)

    def _turn(self, key: TenantKey) -> asyncio.Lock:
        return self._turns.setdefault(key, asyncio.Lock())

    def _tell(self, caller: _Caller, reason: str, what: str) -> None:
        user, tenant = _shown(caller.user), caller.tenant
        log.info("shown to a person", tenant=str(tenant.key), user=user, what=what)
        announcement = Announcement(EventType.NORMAL, reason, f"{user} was shown {what}.")
        self._context.events.record(tenant, announcement)


async def _wish(request: web.Request) -> Wish:
    content = await request.read()
    try:
        wanted = PairingRequest.model_validate_json(content or b"{}")
    except ValidationError as error:
        # Never the error's own text: it repeats what was sent.
        where = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
        raise _Refusal(
            HTTPStatus.BAD_REQUEST,
            'The body must be {"with": "QR"} or {"with": "PairingCode"}, with "number": "+371..." only where any number'
            f" may be paired{f'; wrong: {where[:64]}' if where else ''}.",
        ) from error
    return Wish(wanted.pair_with, wanted.number)


def _pairing_response(answer: PairingAnswer) -> web.Response:
    match answer:
        case CodeOffered():
            code = answer.pairing_code
            return _json(
                {
                    "state": "waiting",
                    "number": answer.number,
                    "qr": answer.qr,
                    "pairingCode": f"{code[:4]}-{code[4:]}" if code is not None else None,
                    "refreshAfterSeconds": REFRESH_SECONDS,
                }
            )
        case Connected():
            problem = {"message": answer.problem} if answer.problem is not None else {}
            return _json({"state": "connected", "number": answer.number, **problem})
        case Preparing():
            after = max(1, math.ceil(answer.after))
            body = {"state": "preparing", "message": answer.message, "refreshAfterSeconds": after}
            return _json(body, HTTPStatus.ACCEPTED)


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every refusal is `{"error": "<sentence>"}`; what is unexpected says nothing but that it is."""
    try:
        return await handler(request)
    except _Refusal as refusal:
        return _refused(refusal.status, refusal.sentence, after=refusal.after)
    except NotPossibleError as error:
        return _refused(_STATUS[error.obstacle], error.message)
    except ApiForbidden as error:
        log.exception("the operator may not check who calls", error=error.message)
        return _refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The operator may not ask the API server who you are. Grant it create on tokenreviews and"
            " subjectaccessreviews.",
        )
    except ApiError as error:
        log.warning("who calls cannot be checked", error=error.message)
        return _refused(
            HTTPStatus.SERVICE_UNAVAILABLE, "The API server cannot say now who you are. Ask again."
        )
    except web.HTTPException as error:
        return _refused(HTTPStatus(error.status), f"{error.reason}.")
    except Exception as error:  # noqa: BLE001 - its text may hold what nobody else may see, so only its place is told
        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        log.error("pairing request failed", error=type(error).__name__, at=" ".join(places[-5:]))  # noqa: TRY400
        return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, "The operator failed; its log says why.")


def _refused(status: HTTPStatus, sentence: str, *, after: float | None = None) -> web.Response:
    response = _json({"error": sentence}, status)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if after is not None:
        response.headers["Retry-After"] = str(math.ceil(after))
    return response


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(body=orjson.dumps(body), status=status, headers=headers)


def _shown(user: User) -> str:
    """The user's name for logs and Events: it comes from outside, so it is cut and kept to one line."""
    return "".join(letter if letter.isprintable() else "?" for letter in user.name[:_SHOWN_NAME])
