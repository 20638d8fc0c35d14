"""Objects in the three forms an answer can have: themselves, their metadata, rows of a table."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from .requests import Form, Wanted
from .resources import Resource, Version
from .store import Record
from .table import TableRenderer


class Renderer:
    """Turns records into what a client asked for."""

    def __init__(
        self,
        resource: Resource,
        version: Version,
        wanted: Wanted,
        table: TableRenderer,
    ) -> None:
        self._resource = resource
        self.wanted = wanted
        self._table = table
        self._convert = resource.from_storage
        head = {"apiVersion": resource.api_version(version.name), "kind": resource.kind}
        self._prefix = orjson.dumps(head)[:-1] + b","
        self.api_version = head["apiVersion"]
        self.is_custom = resource.is_custom

    def item(self, record: Record) -> bytes:
        """One object in the form wanted, as a list of one row for a Table."""
        match self.wanted.form:
            case Form.TABLE:
                return self._table.table([self._parsed(record)], str(record.revision))
            case Form.METADATA | Form.METADATA_LIST:
                return orjson.dumps(self._metadata_of(record))
        return self._object(record)

    def watch_item(self, record: Record, *, first: bool) -> bytes:
        """As `item`; the column definitions come with a watch's first row only."""
        if self.wanted.form is Form.TABLE:
            return self._table.table([self._parsed(record)], str(record.revision), with_columns=first)
        return self.item(record)

    def bookmark(self, revision: int, annotations: Mapping[str, str]) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = dict(annotations)
        match self.wanted.form:
            case Form.TABLE:
                return self._table.table([], str(revision), with_columns=False)
            case Form.METADATA | Form.METADATA_LIST:
                head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{self.wanted.version}"}
            case _:
                head = {"kind": self._resource.kind, "apiVersion": self.api_version}
        return orjson.dumps({**head, "metadata": metadata})

    def list(self, records: Iterable[Record], metadata: dict[str, Any]) -> bytearray:
        """A list of objects. It is built up in one buffer: ten thousand objects are fifty megabytes."""
        if self.wanted.form is Form.TABLE:
            return self._table.table_of(map(self._parsed, records), metadata)
        if self.wanted.form in {Form.METADATA, Form.METADATA_LIST}:
            head = {
                "kind": "PartialObjectMetadataList",
                "apiVersion": f"meta.k8s.io/{self.wanted.version}",
                "metadata": {name: value for name, value in metadata.items() if value != ""},
            }
        else:
            head = {"kind": self._resource.list_kind, "apiVersion": self.api_version, "metadata": metadata}
        buffer = bytearray(orjson.dumps(head)[:-1])
        buffer += b',"items":['
        separator = b""
        for record in records:
            buffer += separator
            buffer += self._list_item(record)
            separator = b","
        buffer += b"]}"
        return buffer

    def _list_item(self, record: Record) -> bytes:
        if self.wanted.form is not Form.OBJECT:
            return orjson.dumps(self._metadata_of(record))
        if self._convert is not None:
            return orjson.dumps(self._convert(record.parse()))
        # Items of built-in kinds come without apiVersion and kind, as the real server's typed lists have them.
        return self._object(record) if self.is_custom else record.body

    def _object(self, record: Record) -> bytes:
        if self._convert is not None:
            return self._prefix + orjson.dumps(self._convert(record.parse()))[1:]
        return self._prefix + record.body[1:]

    def _parsed(self, record: Record) -> dict[str, Any]:
        # Columns are read from the stored form, which all versions of a kind share.
        return {"apiVersion": self.api_version, "kind": self._resource.kind, **record.parse()}

    def _metadata_of(self, record: Record) -> dict[str, Any]:
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": f"meta.k8s.io/{self.wanted.version}",
            "metadata": record.parse()["metadata"],
        }
