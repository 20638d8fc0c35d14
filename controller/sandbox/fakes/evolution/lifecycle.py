"""How an instance moves between its states: functions over `World` and `Instance`.

    close -(connect)-> connecting -(scan, restart after pairing)-> open

Codes 401, 402, 403 and 406 end a link for good; every other close heals by itself (measured).
"""

import base64
from collections.abc import Callable, Mapping

from controller.sandbox.fakes.evolution.connection_data import error_text, login_data
from controller.sandbox.fakes.evolution.events import QR_LIMIT_MESSAGE
from controller.sandbox.fakes.evolution.state import Connection, Instance, Integration, QrCode, World

_Step = Callable[[World, Instance], None]

TERMINAL_CODES = frozenset({401, 402, 403, 406})

_PAIRING_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
_PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


def jid(number: str) -> str:
    """Return the WhatsApp address of a phone number; an address or a leading + is accepted too."""
    digits = "".join(character for character in number.partition("@")[0] if character.isdigit())
    return f"{digits}@s.whatsapp.net"


def connect(world: World, instance: Instance, number: str | None) -> None:
    """Open a socket to WhatsApp: a QR code will come, or a linked instance logs in again."""
    if instance.integration is not Integration.BAILEYS:
        return
    instance.attempt += 1
    instance.had_socket = True
    instance.pairing_number = number
    _become_connecting(world, instance)
    _later(world, instance, world.pace.qr_after, _log_in_or_show_qr)


def scan(world: World, instance: Instance, number: str) -> None:
    """A phone accepts the link: WhatsApp ends the socket with 515, and the next one is open."""
    instance.attempt += 1
    instance.had_socket = True
    instance.live = Connection.CONNECTING
    instance.linked = True
    instance.owner_jid = jid(number)
    instance.account.name = instance.account.name or instance.name
    instance.app_state_key = False
    _later(world, instance, world.pace.reconnect_after, _open)


def close(world: World, instance: Instance, code: int, *, announced: bool = False) -> None:
    """WhatsApp ends the connection with `code`.

    `announced`: the close came while the server still told of the open before it, and its webhook says close
    with the data of an open. It means nothing (measured).
    """
    if announced:
        picture = {"profilePictureUrl": instance.profile_picture}
        world.emit(instance, "connection.update", login_data(instance, Connection.CLOSE, code) | picture)
    _end(world, instance, code, "Connection Failure", {"reason": str(code), "location": "fake"})


def _end(
    world: World, instance: Instance, code: int, message: str, data: Mapping[str, object] | None
) -> None:
    if instance.integration is not Integration.BAILEYS:
        instance.live = Connection.CLOSE
        return
    instance.attempt += 1
    if code in TERMINAL_CODES:
        _unlink(world, instance, code, message, data)
        return
    _become_connecting(world, instance)
    _later(world, instance, world.pace.reconnect_after, _log_in_or_show_qr)


def log_out(world: World, instance: Instance) -> None:
    """The row of a passive channel stays open after this; only its live state closes."""
    _end(world, instance, 401, f"Log out instance: {instance.name}", None)


def restart(world: World, instance: Instance) -> None:
    """Close the socket and open another one."""
    if instance.integration is not Integration.BAILEYS:
        return
    number = instance.pairing_number
    instance.attempt += 1
    instance.live = Connection.CLOSE

    def again(world: World, instance: Instance) -> None:
        connect(world, instance, number)

    _later(world, instance, world.pace.restart_takes, again)


def open_second_socket(world: World, instance: Instance) -> None:
    """Connect again without closing the first socket: the two replace each other until a restart (measured)."""
    _later(world, instance, world.pace.duel_every, _replace_socket)


def _replace_socket(world: World, instance: Instance) -> None:
    close(world, instance, 440)
    open_second_socket(world, instance)


def whatsapp_unreachable(world: World, *, flapping: bool) -> None:
    """An outage: memory says connecting, the rows stay as they are.

    With `flapping` it is as measured: each instance tries again at once and for ever, and says so each time.
    """
    world.whatsapp_reachable = False
    world.flapping = flapping
    for instance in world.instances.values():
        if instance.integration is Integration.BAILEYS and instance.live is Connection.OPEN:
            close(world, instance, 408)


def whatsapp_reachable(world: World) -> None:
    world.whatsapp_reachable = True
    for instance in world.instances.values():
        if instance.integration is Integration.BAILEYS and _is_trying(world, instance):
            instance.attempt += 1
            instance.live = Connection.CONNECTING
            _later(world, instance, world.pace.reconnect_after, _log_in_or_show_qr)


def unload(world: World, instance: Instance) -> None:
    """Take the instance out of memory, as the first act of a deletion. The row stays until `forget`."""
    if not world.whatsapp_reachable and instance.had_socket and instance.live is not Connection.OPEN:
        world.orphans.add(instance.name)
    if instance.live in (Connection.OPEN, Connection.CONNECTING):
        log_out(world, instance)
    instance.attempt += 1
    instance.deleting = True
    instance.live = None


def forget(world: World, instance: Instance) -> None:
    """Remove the row and what hangs on it. A newer instance of the same name is not touched."""
    world.database.forget_instance(instance.id)
    if world.instances.get(instance.name) is instance:
        del world.instances[instance.name]


def _is_trying(world: World, instance: Instance) -> bool:
    """While flapping, an attempt that has just failed looks closed."""
    flapped = world.flapping and instance.live is Connection.CLOSE and instance.had_socket
    return instance.live is Connection.CONNECTING or (
        flapped and (instance.linked or instance.stored is Connection.CONNECTING)
    )


def _later(world: World, instance: Instance, seconds: float, step: _Step) -> None:
    attempt = instance.attempt

    def run() -> None:
        # The world may have moved on: another connect, a close, a deletion.
        if instance.attempt == attempt and instance.live is not None:
            step(world, instance)

    world.timers.after(seconds, run)


def _become_connecting(world: World, instance: Instance) -> None:
    instance.live = Connection.CONNECTING
    world.emit(
        instance,
        "connection.update",
        {"instance": instance.name, "state": Connection.CONNECTING, "statusReason": 200},
    )


def _log_in_or_show_qr(world: World, instance: Instance) -> None:
    if not world.whatsapp_reachable:
        if world.flapping:
            _later(world, instance, world.pace.flap_every / 2, _fail_to_connect)
        return
    if instance.linked:
        _open(world, instance)
    else:
        _show_qr(world, instance)


def _fail_to_connect(world: World, instance: Instance) -> None:
    """Close for a moment, then another attempt: no back-off and no limit."""
    instance.live = Connection.CLOSE

    def again(world: World, instance: Instance) -> None:
        _become_connecting(world, instance)
        _log_in_or_show_qr(world, instance)

    _later(world, instance, world.pace.flap_every / 2, again)


def _show_qr(world: World, instance: Instance) -> None:
    if instance.qr_count >= world.pace.qr_limit:
        run_out_of_codes(world, instance)
        return
    instance.qr_count += 1
    parts = [base64.b64encode(world.random.randbytes(32)).decode() for _ in range(4)]
    number = instance.pairing_number
    pairing_code = "".join(world.random.choices(_PAIRING_ALPHABET, k=8)) if number else None
    instance.qr = QrCode("2@" + ",".join(parts), _PIXEL, pairing_code)
    instance.stored = Connection.CONNECTING
    instance.updated_at = world.timestamp()
    world.emit(
        instance,
        "qrcode.updated",
        {
            "qrcode": {
                "instance": instance.name,
                "pairingCode": pairing_code,
                "code": instance.qr.code,
                "base64": instance.qr.base64,
            },
        },
    )
    _later(world, instance, world.pace.qr_lifetime, _show_qr)
    if not world.manual_pairing:
        _later(world, instance, world.scan_after, _scan_by_itself)


def _scan_by_itself(world: World, instance: Instance) -> None:
    scan(world, instance, instance.number or instance.pairing_number or _some_number(instance))


def _some_number(instance: Instance) -> str:
    """A phone for an instance that names none: the same one each time."""
    return f"3712{int(instance.id[:8], 16) % 10**7:07d}"


def run_out_of_codes(world: World, instance: Instance) -> None:
    """Give up after the last QR code. The row stays `connecting`, so the next boot connects it."""
    world.emit(instance, "qrcode.updated", {"message": QR_LIMIT_MESSAGE, "statusCode": 500})
    world.emit(
        instance,
        "connection.update",
        {"instance": instance.name, "state": "refused", "statusReason": 428},
    )
    instance.attempt += 1
    instance.live = Connection.CLOSE
    instance.qr = None
    instance.qr_count = 0


def _open(world: World, instance: Instance) -> None:
    if not world.whatsapp_reachable:
        return
    instance.live = instance.stored = Connection.OPEN
    instance.profile_name = instance.account.name
    instance.profile_picture = instance.account.picture
    instance.updated_at = world.timestamp()
    data = login_data(instance, Connection.OPEN, 200)
    if instance.profile_picture is not None:
        data["profilePictureUrl"] = instance.profile_picture
    world.emit(instance, "connection.update", data)
    if not instance.app_state_key:
        _later(world, instance, world.pace.app_state_key_after, _receive_app_state_key)


def _receive_app_state_key(_world: World, instance: Instance) -> None:
    instance.app_state_key = True


def _unlink(
    world: World, instance: Instance, code: int, message: str, data: Mapping[str, object] | None
) -> None:
    now = world.timestamp()
    instance.live = instance.stored = Connection.CLOSE
    instance.linked = False
    instance.app_state_key = False
    instance.disconnection_code = code
    instance.disconnection_at = now
    instance.disconnection_object = error_text(code, message, data, now)
    instance.updated_at = now
    world.emit(
        instance,
        "status.instance",
        {
            "instance": instance.name,
            "status": "closed",
            "disconnectionAt": now,
            "disconnectionReasonCode": code,
            "disconnectionObject": instance.disconnection_object,
        },
    )
    world.emit(instance, "logout.instance", None)
    world.emit(
        instance,
        "connection.update",
        {"instance": instance.name, "state": Connection.CLOSE, "statusReason": code},
    )
