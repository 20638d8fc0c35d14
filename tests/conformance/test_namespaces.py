"""Namespaces, and what becomes of their contents."""

from tests.conformance import bodies
from tests.conformance.api_client import Api, Objects
from tests.conformance.eventually import eventually

# The controller of a real cluster tries again after pauses that grow.
GONE_SECONDS = 75.0


def gone(api: Api, namespace: str) -> bool:
    return eventually(lambda: api.namespaces.get(namespace).code == 404, seconds=GONE_SECONDS)


def test_a_new_namespace_is_active(api: Api, name: str) -> None:
    answer = api.namespaces.create(bodies.core("Namespace", name)).done()

    assert answer.body["spec"] == {"finalizers": ["kubernetes"]}
    assert answer.body["status"] == {"phase": "Active"}
    assert answer.metadata["labels"] == {"kubernetes.io/metadata.name": name}
    api.namespaces.delete(name)


def test_a_namespace_is_there_once(api: Api, namespace: str) -> None:
    answer = api.namespaces.create(bodies.core("Namespace", namespace))

    assert answer.refusal == (409, "AlreadyExists", f'namespaces "{namespace}" already exists')


def test_a_namespace_has_no_dots(api: Api) -> None:
    assert api.namespaces.create(bodies.core("Namespace", "a.b")).refusal == (
        422,
        "Invalid",
        'Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots',
    )


def test_the_usual_namespaces_are_there(api: Api) -> None:
    assert {"default", "kube-system", "kube-public"} <= set(api.namespaces.list().names)


def test_a_deleted_namespace_takes_its_contents_with_it(api: Api, namespace: str, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()
    api.core(namespace, "secrets").create(bodies.core("Secret", "token")).done()

    answer = api.namespaces.delete(namespace).done()

    assert answer.body["kind"] == "Namespace"
    assert answer.body["status"]["phase"] == "Terminating"
    assert "deletionTimestamp" in answer.metadata
    assert gone(api, namespace)
    assert tenants.list().names == []
    assert api.core(namespace, "secrets").list().names == []


def test_a_namespace_waits_for_the_finalizers_in_it(api: Api, namespace: str, tenants: Objects) -> None:
    body = bodies.tenant("held")
    body["metadata"]["finalizers"] = ["x-sevenai.com/conformance"]
    tenants.create(body).done()

    api.namespaces.delete(namespace).done()

    assert eventually(lambda: "deletionTimestamp" in tenants.get("held").metadata)
    assert api.namespaces.get(namespace).done().body["status"]["phase"] == "Terminating"
    tenants.set_status("held", {"phase": "Deleting"}).done()
    tenants.merge("held", {"metadata": {"finalizers": None}}).done()
    assert gone(api, namespace)


def test_nothing_new_comes_into_a_namespace_that_is_going(api: Api, namespace: str, tenants: Objects) -> None:
    body = bodies.tenant("held")
    body["metadata"]["finalizers"] = ["x-sevenai.com/conformance"]
    tenants.create(body).done()
    api.namespaces.delete(namespace).done()

    answer = tenants.create(bodies.tenant("late"))

    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    assert answer.refusal == (
        403,
        "Forbidden",
        f'businesstenants.x-sevenai.com "late" is forbidden: {why}',
    )
    assert answer.causes == [
        ("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
    ]
    tenants.merge("held", {"metadata": {"finalizers": None}}).done()
