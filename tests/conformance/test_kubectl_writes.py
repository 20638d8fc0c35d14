"""What people change with kubectl."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Objects
from tests.conformance.kubectl import Kubectl

CAFE = f"businesstenant.{GROUP}/cafe"


def test_apply_creates_changes_and_leaves_alone(run: Kubectl, tenants: Objects) -> None:
    apply = ("apply", "--filename=-")

    assert run(*apply, stdin=bodies.tenant("cafe", paused=True)).line == f"{CAFE} created"
    assert run(*apply, stdin=bodies.tenant("cafe", paused=True)).line == f"{CAFE} unchanged"
    tenants.merge("cafe", {"spec": {"managementPolicy": "Observe"}}).done()
    assert run(*apply, stdin=bodies.tenant("cafe")).line == f"{CAFE} configured"

    # What apply put there is gone, what somebody else did is not.
    assert tenants.get("cafe").body["spec"] == {"business": {"name": "Cafe"}, "managementPolicy": "Observe"}


def test_apply_tells_what_is_wrong(run: Kubectl, tenants: Objects) -> None:
    unknown = run("apply", "--filename=-", stdin=bodies.tenant("cafe", pausd=True))
    wrong = run("apply", "--filename=-", stdin=bodies.tenant("cafe", paused="no"))
    broken = run("apply", "--filename=-", stdin=bodies.tenant("cafe", ai={"route": "Webhook"}))

    assert {unknown.code, wrong.code, broken.code} == {1}
    assert 'strict decoding error: unknown field "spec.pausd"' in unknown.err
    assert 'The BusinessTenant "cafe" is invalid' in wrong.err
    assert 'spec.paused: Invalid value: "string": spec.paused in body must be of type boolean' in wrong.err
    assert "spec.ai.route needs spec.whatsapp: without an instance there are no messages" in broken.err
    assert tenants.list().names == []


def test_server_side_apply(run: Kubectl, tenants: Objects) -> None:
    apply = ("apply", "--server-side", "--filename=-")
    assert run(*apply, stdin=bodies.tenant("cafe")).line == f"{CAFE} serverside-applied"
    tenants.merge("cafe", {"spec": {"business": {"name": "Bar"}}}, fieldManager="editor").done()

    refused = run(*apply, stdin=bodies.tenant("cafe"))

    assert refused.code == 1
    assert 'conflict with "editor" using x-sevenai.com/v1alpha1: .spec.business.name' in refused.err
    assert run(*apply, "--force-conflicts", stdin=bodies.tenant("cafe")).line == f"{CAFE} serverside-applied"
    assert tenants.get("cafe").body["spec"]["business"]["name"] == "Cafe"


def test_diff_shows_what_apply_would_change(run: Kubectl, tenants: Objects) -> None:
    run("apply", "--filename=-", stdin=bodies.tenant("cafe")).line  # noqa: B018 - checks the exit code

    same = run("diff", "--filename=-", stdin=bodies.tenant("cafe"))
    other = run("diff", "--filename=-", stdin=bodies.tenant("cafe", paused=True))

    assert (same.code, same.out) == (0, "")
    assert other.code == 1
    assert "\n+  paused: true\n" in other.out
    assert "paused" not in tenants.get("cafe").body["spec"]


def test_create_and_replace(run: Kubectl, tenants: Objects) -> None:
    assert run("create", "--filename=-", stdin=bodies.tenant("cafe")).line == f"{CAFE} created"

    again = run("create", "--filename=-", stdin=bodies.tenant("cafe"))
    assert again.code == 1
    assert f'(AlreadyExists): error when creating "STDIN": businesstenants.{GROUP} "cafe"' in again.err

    replaced = run("replace", "--filename=-", stdin=bodies.tenant("cafe", paused=True))
    assert replaced.line == f"{CAFE} replaced"
    assert tenants.get("cafe").body["spec"]["paused"] is True


def test_edit(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    assert run("edit", "bt", "cafe", editor="sed -i s/Cafe/Bar/").line == f"{CAFE} edited"

    assert tenants.get("cafe").body["spec"]["business"]["name"] == "Bar"


@pytest.mark.parametrize(
    ("type_", "patch"),
    [
        ("merge", '{"spec":{"paused":true}}'),
        ("json", '[{"op":"add","path":"/spec/paused","value":true}]'),
    ],
)
def test_patch(run: Kubectl, tenants: Objects, type_: str, patch: str) -> None:
    tenants.create(bodies.tenant("cafe")).done()
    command = ("patch", "bt", "cafe", f"--type={type_}", f"--patch={patch}")

    assert run(*command).line == f"{CAFE} patched"
    assert tenants.get("cafe").body["spec"] == {"business": {"name": "Cafe"}, "paused": True}

    assert run(*command).line == f"{CAFE} patched (no change)"


def test_patch_without_a_type_is_not_for_custom_kinds(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    refused = run("patch", "bt", "cafe", "--patch={}")

    assert refused.code == 1
    assert "application/strategic-merge-patch+json is not supported by x-sevenai.com/v1alpha1" in refused.err


def test_the_status_can_be_patched(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    patch = ("--subresource=status", "--type=merge", '--patch={"status":{"phase":"Ready"}}')
    assert run("patch", "bt", "cafe", *patch).line == f"{CAFE} patched"

    assert tenants.get("cafe").body["status"] == {"phase": "Ready"}


def test_annotate_and_label(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    assert run("annotate", "bt", "cafe", "x-sevenai.com/paused=true").line == f"{CAFE} annotated"
    assert run("label", "bt", "cafe", "tier=dev").line == f"{CAFE} labeled"

    metadata = tenants.get("cafe").metadata
    assert (metadata["annotations"], metadata["labels"]) == (
        {"x-sevenai.com/paused": "true"},
        {"tier": "dev"},
    )


def test_delete_waits_until_it_is_gone(run: Kubectl, tenants: Objects) -> None:
    body = bodies.tenant("cafe")
    body["metadata"]["finalizers"] = ["x-sevenai.com/conformance"]
    tenants.create(body).done()

    held = run("delete", "bt", "cafe", "--timeout=1s")
    assert held.code == 1
    assert "timed out waiting for the condition on businesstenants/cafe" in held.err

    tenants.merge("cafe", {"metadata": {"finalizers": None}}).done()
    assert run("delete", "bt", "cafe", "--ignore-not-found").code == 0
    assert tenants.list().names == []


def test_dry_runs_store_nothing(run: Kubectl, tenants: Objects) -> None:
    created = run("apply", "--dry-run=server", "--filename=-", stdin=bodies.tenant("cafe"))

    assert created.line == f"{CAFE} created (server dry run)"
    assert tenants.list().names == []


def test_create_secret(run: Kubectl) -> None:
    assert (
        run("create", "secret", "generic", "token", "--from-literal=key=fake").line == "secret/token created"
    )

    assert run("get", "secret", "token", "--output=jsonpath={.data.key}").line == "ZmFrZQ=="


def test_create_config_map(run: Kubectl) -> None:
    assert run("create", "configmap", "menu", "--from-literal=a=1").line == "configmap/menu created"

    assert run("get", "configmap", "menu", "--output=jsonpath={.data.a}").line == "1"
