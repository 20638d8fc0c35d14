"""LIST: order, versions and paging."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import Answer, Api, Objects

NAMES = ["a", "b", "c", "d", "e"]
FUTURE = "999999999"


@pytest.fixture
def five(tenants: Objects) -> Objects:
    for name in reversed(NAMES):
        tenants.create(bodies.tenant(name)).done()
    return tenants


def test_a_list_is_in_the_order_of_names(five: Objects) -> None:
    answer = five.list().done()

    assert answer.names == NAMES
    assert (answer.body["kind"], answer.body["apiVersion"]) == ("BusinessTenantList", bodies.API_VERSION)
    assert {item["kind"] for item in answer.body["items"]} == {"BusinessTenant"}


def test_a_list_has_the_version_of_the_newest_write(five: Objects) -> None:
    newest = five.merge("c", {"spec": {"paused": True}}).done()

    assert int(five.list().done().revision) >= int(newest.revision)


def test_an_empty_list_has_a_version_too(tenants: Objects) -> None:
    answer = tenants.list().done()

    assert answer.body["items"] == []
    assert answer.revision.isdigit()


def test_the_list_of_all_namespaces_holds_those_of_each(
    api: Api, five: Objects, shared_namespace: str
) -> None:
    everywhere = api.tenants().list().done().body["items"]

    mine = five.list().body["items"]
    assert [item for item in everywhere if item["metadata"]["namespace"] == five.path.split("/")[-2]] == mine


def test_pages_hold_what_a_list_holds(five: Objects) -> None:
    first = five.list(limit="2").done()
    second = five.list(limit="2", **{"continue": first.metadata["continue"]}).done()
    third = five.list(limit="2", **{"continue": second.metadata["continue"]}).done()

    assert [first.names, second.names, third.names] == [["a", "b"], ["c", "d"], ["e"]]
    assert [page.metadata.get("remainingItemCount") for page in (first, second, third)] == [3, 1, None]
    assert not third.metadata.get("continue")
    assert first.revision == second.revision == third.revision


def test_pages_are_of_one_moment(five: Objects) -> None:
    first = five.list(limit="2").done()
    five.delete("c").done()
    five.merge("d", {"spec": {"paused": True}}).done()
    five.create(bodies.tenant("cc")).done()

    second = five.list(**{"continue": first.metadata["continue"]}).done()

    assert second.names == ["c", "d", "e"]
    assert ["paused" in item["spec"] for item in second.body["items"]] == [False, False, False]
    assert second.revision == first.revision


def test_a_page_as_large_as_the_list_is_the_last(five: Objects) -> None:
    assert not five.list(limit="5").done().metadata.get("continue")


def test_how_many_are_left_is_not_told_with_a_selector(five: Objects) -> None:
    metadata = five.list(limit="2", labelSelector="!none").done().metadata

    assert metadata["continue"]
    assert "remainingItemCount" not in metadata


def test_any_version_is_good_enough_for_version_zero(five: Objects) -> None:
    def holds(answer: Answer) -> bool:
        return set(answer.names) <= set(NAMES)

    assert holds(five.list(resourceVersion="0").done())


def test_not_older_than_a_version(five: Objects) -> None:
    newest = five.merge("c", {"spec": {"paused": True}}).done()

    answer = five.list(resourceVersion=newest.revision, resourceVersionMatch="NotOlderThan").done()

    assert [item["spec"].get("paused", False) for item in answer.body["items"]] == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_exactly_a_version(five: Objects) -> None:
    before = five.list().done()
    five.merge("c", {"spec": {"paused": True}}).done()
    five.delete("d").done()

    answer = five.list(resourceVersion=before.revision, resourceVersionMatch="Exact").done()

    assert answer.names == NAMES
    assert answer.body["items"] == before.body["items"]
    assert answer.revision == before.revision


def test_a_version_from_the_future_is_not_waited_for_for_ever(tenants: Objects) -> None:
    answer = tenants.list(resourceVersion=FUTURE)

    assert (answer.code, answer.reason) == (504, "Timeout")
    assert answer.message.startswith(f"Timeout: Too large resource version: {FUTURE}, current: ")
    assert answer.causes == [("ResourceVersionTooLarge", "", "Too large resource version")]
    assert answer.body["details"]["retryAfterSeconds"] == 1


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        (
            {"resourceVersion": "abc"},
            400,
            (
                'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing '
                '"abc": invalid syntax'
            ),
        ),
        ({"limit": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        (
            {"resourceVersionMatch": "Exact"},
            422,
            (
                'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is '
                "forbidden unless resourceVersion is provided"
            ),
        ),
        (
            {"resourceVersionMatch": "Foo", "resourceVersion": "1"},
            422,
            (
                'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Foo": supported '
                'values: "Exact", "NotOlderThan", ""'
            ),
        ),
        (
            {"sendInitialEvents": "true"},
            422,
            (
                'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is '
                "forbidden for list"
            ),
        ),
    ],
    ids=["version", "limit", "match-without-version", "match", "initial-events"],
)
def test_options_that_make_no_sense(
    api: Api, shared_namespace: str, parameters: dict[str, str], code: int, message: str
) -> None:
    answer = api.tenants(shared_namespace).list(**parameters)

    assert (answer.code, answer.message) == (code, message)


def test_a_continue_token_is_the_server_s_own(tenants: Objects) -> None:
    answer = tenants.list(**{"continue": "zzz"})

    assert (answer.code, answer.reason) == (400, "BadRequest")
    assert answer.message.startswith("invalid continue token: continue key is not valid: ")


def test_a_continue_token_has_a_version_of_its_own(five: Objects) -> None:
    token = five.list(limit="2").done().metadata["continue"]

    assert five.list(resourceVersion="5", **{"continue": token}).refusal == (
        400,
        "BadRequest",
        "specifying resource version is not allowed when using continue",
    )


def test_lists_of_built_in_kinds_name_the_kind_once(api: Api, namespace: str) -> None:
    secrets = api.core(namespace, "secrets")
    secrets.create(bodies.core("Secret", "token")).done()

    body = secrets.list(fieldSelector="metadata.name=token").done().body

    assert (body["kind"], body["apiVersion"]) == ("SecretList", "v1")
    assert ["kind" in item for item in body["items"]] == [False]
