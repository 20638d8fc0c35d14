"""The store in a file: what is there when the server stops is there when it starts again."""

import os
from pathlib import Path
from typing import Any

import orjson

from .store import Store

_FORMAT = "sandbox-apiserver/1"


class SnapshotError(Exception):
    """The file is not a snapshot of this server."""


def save(store: Store, path: Path) -> None:
    """Write all objects, in one move and readable by the owner only: Secrets are among them."""
    document: dict[str, Any] = {
        "format": _FORMAT,
        "revision": store.revision,
        "objects": [
            {"group": group, "plural": plural, "body": record.parse()}
            for (group, plural), collection in store.collections()
            for record in collection.objects.values()
        ],
    }
    partial = path.with_name(f"{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(document))
    partial.replace(path)


def load(store: Store, path: Path) -> None:
    """Fill an empty store from a file; nothing happens when there is none.

    Raises:
        SnapshotError: the file is no snapshot.

    """
    if not path.exists():
        return
    try:
        document = orjson.loads(path.read_bytes())
        if document["format"] != _FORMAT:
            raise SnapshotError(f"{path} is a snapshot of another version ({document['format']}): delete it")
        store.rebase(int(document["revision"]))
        for entry in document["objects"]:
            metadata = entry["body"]["metadata"]
            key = (metadata.get("namespace", ""), metadata["name"])
            store.restore(entry["group"], entry["plural"], key, entry["body"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise SnapshotError(
            f"{path} is not a snapshot of the sandbox API server: delete it ({error!r})"
        ) from error
