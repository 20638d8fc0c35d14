"""What the server says of a login and of the error that ended a connection."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from controller.sandbox.fakes.evolution.state import Connection, Instance


def login_data(instance: Instance, state: Connection, code: int) -> dict[str, object]:
    """What the server tells of a login."""
    return {
        "instance": instance.name,
        "wuid": instance.owner_jid,
        "profileName": instance.profile_name,
        "state": state,
        "statusReason": code,
    }


def error_text(code: int, message: str, data: Mapping[str, object] | None, moment: str) -> str:
    """The error object the server stores as text."""
    output = {
        "statusCode": code,
        "payload": {"statusCode": code, "error": HTTPStatus(code).phrase, "message": message},
        "headers": {},
    }
    error = {"data": data, "isBoom": True, "isServer": False, "output": output}
    return json.dumps({"error": error, "date": moment}, separators=(",", ":"))
