"""What the generator makes of a model, and which models it refuses."""

from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import ConfigDict, Field, StringConstraints

from controller.api.common_fields import ApiModel, list_atomic, list_map, list_set, rules
from controller.api.structural_schema import UnboundedSchemaError, structural_schema

Short = Annotated[str, StringConstraints(max_length=8)]


class Size(StrEnum):
    """Not the text of a field: the field has its own."""

    SMALL = "Small"
    LARGE = "Large"


class OnlyOne(StrEnum):
    ONE = "One"


class Dish(ApiModel):
    """A dish on the menu,
    in one line.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra=rules(("has(self.name)", "name it"), ("true", "model"))
    )

    name: Short = Field(description="Its name.")
    size: Size | None = Field(None, description="How much. Left out: Small.")


class NestedUnbounded(ApiModel):
    text: str = Field(description="No end.")


def property_schema(annotation: object, **field: Any) -> dict[str, Any]:
    """Structural schema of one field `value` with this annotation."""
    namespace = {
        "__annotations__": {"value": annotation},
        "value": Field(**{"description": "A value."} | field),
    }
    model = type("Model", (ApiModel,), namespace | {"__module__": __name__})
    schema: dict[str, Any] = structural_schema(model)["properties"]["value"]
    return schema


@pytest.mark.parametrize(
    ("annotation", "field", "said"),
    [
        pytest.param(str, {}, "Model.value: a string needs maxLength", id="string without maximum"),
        pytest.param(str | None, {"default": None}, "Model.value: a string needs", id="optional string"),
        pytest.param(
            str,
            {"json_schema_extra": {"format": "date-time"}},
            "Model.value: a string needs maxLength",
            id="format alone",
        ),
        pytest.param(
            list[Short],
            {"json_schema_extra": list_set()},
            "Model.value: a list needs maxItems",
            id="list maximum",
        ),
        pytest.param(list[Short], {"max_length": 2}, "a list needs x-kubernetes-list-type", id="list type"),
        pytest.param(
            list[str],
            {"max_length": 2, "json_schema_extra": list_set()},
            "Model.value[]: a string needs maxLength",
            id="items",
        ),
        pytest.param(
            list[Dish],
            {"max_length": 2, "json_schema_extra": list_set()},
            "items of a set must be scalars",
            id="set of objects",
        ),
        pytest.param(
            list[Dish],
            {"max_length": 2, "json_schema_extra": list_map("size")},
            "list map key size must be a required field",
            id="optional list map key",
        ),
        pytest.param(dict[Short, Short], {}, "Model.value: a map needs maxProperties", id="map"),
        pytest.param(
            dict[Short, str], {"max_length": 2}, "Model.value.*: a string needs maxLength", id="map values"
        ),
        pytest.param(dict[str, Any], {"max_length": 2}, "name the object's fields", id="anything"),
        pytest.param(
            Short, {"description": None}, "Model.value: a field needs a description", id="description"
        ),
        pytest.param(Short, {"default": "a"}, "Model.value: the schema must carry no default", id="default"),
        pytest.param(Short | int, {}, "Model.value: a union", id="union"),
        pytest.param(float, {}, "Model.value: type 'number'", id="float"),
        pytest.param(
            int,
            {"json_schema_extra": {"exclusiveMinimum": 0}},
            "does not know exclusiveMinimum",
            id="keyword",
        ),
        pytest.param(NestedUnbounded, {}, "Model.value.text: a string needs maxLength", id="nested"),
    ],
)
def test_refuses_what_the_api_server_cannot_price_or_a_reader_cannot_understand(
    annotation: object, field: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnboundedSchemaError) as refused:
        property_schema(annotation, **field)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("annotation", "field", "expected"),
    [
        pytest.param(Short, {}, {"type": "string", "maxLength": 8}, id="string"),
        pytest.param(
            Short | None, {"default": None}, {"type": "string", "maxLength": 8}, id="optional is not a union"
        ),
        pytest.param(Size, {}, {"type": "string", "enum": ["Small", "Large"]}, id="enum"),
        pytest.param(OnlyOne, {}, {"type": "string", "enum": ["One"]}, id="enum of one value"),
        pytest.param(bool, {}, {"type": "boolean"}, id="boolean"),
        pytest.param(int, {"ge": 0}, {"type": "integer", "format": "int64", "minimum": 0}, id="int64"),
        pytest.param(
            int,
            {"ge": 1, "le": 9},
            {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9},
            id="int32",
        ),
        pytest.param(
            list[Short] | None,
            {"default": None, "json_schema_extra": list_set()} | {"max_length": 3},
            {
                "type": "array",
                "maxItems": 3,
                "x-kubernetes-list-type": "set",
                "items": {"type": "string", "maxLength": 8},
            },
            id="set",
        ),
        pytest.param(
            dict[Short, Short],
            {"max_length": 4},
            {
                "type": "object",
                "maxProperties": 4,
                "additionalProperties": {"type": "string", "maxLength": 8},
            },
            id="map",
        ),
        pytest.param(
            dict[str, Any],
            {"json_schema_extra": {"x-kubernetes-preserve-unknown-fields": True}},
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            id="free form",
        ),
    ],
)
def test_schema_of_a_field(annotation: object, field: dict[str, Any], expected: dict[str, Any]) -> None:
    assert property_schema(annotation, **field) == {"description": "A value."} | expected


def test_a_reference_is_inlined_with_the_text_of_the_field_and_the_rules_of_both() -> None:
    dish = property_schema(
        Dish | None,
        default=None,
        json_schema_extra=rules(("true", "field"), ("self == oldSelf", "immutable")),
    )

    assert dish == {
        "description": "A value.",
        "type": "object",
        "required": ["name"],
        "x-kubernetes-validations": [
            {"rule": "has(self.name)", "message": "name it"},
            {"rule": "true", "message": "model"},
            {"rule": "self == oldSelf", "message": "immutable"},
        ],
        "properties": {
            "name": {"description": "Its name.", "type": "string", "maxLength": 8},
            "size": {
                "description": "How much. Left out: Small.",
                "type": "string",
                "enum": ["Small", "Large"],
            },
        },
    }


def test_a_list_map_keeps_its_keys_and_the_docstring_of_its_items() -> None:
    dishes = property_schema(list[Dish], max_length=5, json_schema_extra=list_map("name"))

    assert dishes["x-kubernetes-list-type"] == "map"
    assert dishes["x-kubernetes-list-map-keys"] == ["name"]
    assert dishes["items"]["description"] == "A dish on the menu, in one line."


def test_an_atomic_list_may_hold_objects() -> None:
    dishes = property_schema(list[Dish], max_length=5, json_schema_extra=list_atomic())

    assert dishes["x-kubernetes-list-type"] == "atomic"
