"""What an instance has stored of its conversations. Filters other than the contact's address are not modelled."""

from aiohttp import web

from controller.sandbox.fakes.evolution.context import body_of, instance_of, world_of
from controller.sandbox.fakes.evolution.state import Instance, LoggedMessage
from controller.sandbox.fakes.wire import json_response

routes = web.RouteTableDef()

_PAGE = 50


@routes.post("/chat/findMessages/{name}")
async def find_messages(request: web.Request) -> web.Response:
    instance, body = instance_of(request), await body_of(request)
    wanted = _wanted_address(body)
    found = [logged for logged in reversed(instance.log) if wanted in (None, _address(logged))]
    page, size = _positive(body.get("page"), 1), _positive(body.get("offset"), _PAGE)
    records = [
        _stored(instance, logged, ("messageType", "message", "messageTimestamp"))
        | {
            "source": logged.row.get("source"),
            "contextInfo": logged.row.get("contextInfo"),
            "MessageUpdate": [],
        }
        for logged in found[(page - 1) * size : page * size]
    ]
    pages = -(-len(found) // size)
    counted = {"total": len(found), "pages": pages, "currentPage": page, "records": records}
    return json_response({"messages": counted})


@routes.post("/chat/findContacts/{name}")
async def find_contacts(request: web.Request) -> web.Response:
    """Contacts are not stored unless the server is told to (recorded: none)."""
    instance_of(request)
    return json_response([])


@routes.post("/chat/findChats/{name}")
async def find_chats(request: web.Request) -> web.Response:
    """One row per contact, the newest message first. A chat is a stored one once the contact wrote (recorded)."""
    world, instance = world_of(request), instance_of(request)
    newest: dict[object, LoggedMessage] = {}
    wrote = {_address(logged) for logged in instance.log if not _from_me(logged)}
    for logged in reversed(instance.log):
        newest.setdefault(_address(logged), logged)
    return json_response(
        [
            {
                "id": logged.id if address in wrote else None,
                "remoteJid": address,
                "pushName": None,
                "profilePicUrl": None,
                "updatedAt": world.timestamp(),
                "windowStart": world.timestamp() if address in wrote else None,
                "windowExpires": world.timestamp() if address in wrote else None,
                "windowActive": address in wrote,
                "lastMessage": _last_message(instance, logged),
                "unreadCount": 0 if address in wrote else None,
                "isSaved": address in wrote,
            }
            for address, logged in newest.items()
        ]
    )


def _last_message(instance: Instance, logged: LoggedMessage) -> dict[str, object]:
    row = _stored(instance, logged, ("messageType", "message", "source", "messageTimestamp"))
    return row | {
        "pushName": "Você" if _from_me(logged) else logged.row.get("pushName"),
        "participant": None,
        "contextInfo": logged.row.get("contextInfo"),
        "sessionId": None,
        "status": logged.row.get("status"),
    }


def _stored(instance: Instance, logged: LoggedMessage, columns: tuple[str, ...]) -> dict[str, object]:
    return {
        "id": logged.id,
        "key": logged.row.get("key"),
        "pushName": logged.row.get("pushName"),
        **{column: logged.row.get(column) for column in columns},
        "instanceId": instance.id,
    }


def _wanted_address(body: dict[str, object]) -> object:
    where = body.get("where")
    key = where.get("key") if isinstance(where, dict) else None
    return key.get("remoteJid") if isinstance(key, dict) else None


def _address(logged: LoggedMessage) -> object:
    key = logged.row.get("key")
    return key.get("remoteJid") if isinstance(key, dict) else None


def _from_me(logged: LoggedMessage) -> bool:
    key = logged.row.get("key")
    return isinstance(key, dict) and key.get("fromMe") is True


def _positive(value: object, default: int) -> int:
    return value if isinstance(value, int) and value > 0 else default
