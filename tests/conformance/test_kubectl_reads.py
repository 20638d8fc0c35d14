"""What people look at and wait for with kubectl."""

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Objects
from tests.conformance.kubectl import Kubectl

CAFE = f"businesstenant.{GROUP}/cafe"
STATUS = {
    "phase": "Ready",
    "message": "Live.",
    "phoneNumber": {"number": "+37120123456", "provider": "twilio-eu", "monthlyCostText": "4.00 USD"},
    "instance": {"name": "cafe", "server": "evolution-eu", "state": "Open"},
    "routing": {"route": "Webhook"},
    "conditions": [bodies.condition("Ready")],
}


def test_get_shows_the_columns(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()
    tenants.set_status("cafe", STATUS).done()

    head, row = (line.split() for line in run("get", "bt").line.splitlines())
    wide_head, wide_row = (line.split() for line in run("get", "bt", "--output=wide").line.splitlines())

    assert head == ["NAME", "PHASE", "NUMBER", "WHATSAPP", "AI", "READY", "AGE"]
    assert row[:6] == ["cafe", "Ready", "+37120123456", "Open", "Webhook", "True"]
    assert wide_head == [*head, "PROVIDER", "COST", "SERVER", "MESSAGE"]
    assert wide_row[7:] == ["twilio-eu", "4.00", "USD", "evolution-eu", "Live."]


def test_get_by_every_name_of_the_kind(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe", labels={"tier": "dev"})).done()

    for kind in ("bt", "businesstenant", "businesstenants", f"businesstenants.{GROUP}", "BusinessTenant"):
        assert run("get", kind, "cafe", "--output=name").line == CAFE
    assert run("get", "bt", "--selector=tier=dev", "--output=name").line == CAFE
    assert run("get", "bt", "--field-selector=metadata.name=other").err == (
        f"No resources found in {tenants.path.split('/')[-2]} namespace.\n"
    )
    assert run("get", "x-sevenai", "--output=name").line.splitlines()[0] == CAFE


def test_get_what_is_not_there(run: Kubectl) -> None:
    nobody = run("get", "bt", "nobody")
    no_kind = run("get", "unheardof")

    assert nobody.err == f'Error from server (NotFound): businesstenants.{GROUP} "nobody" not found\n'
    assert no_kind.err == 'error: the server doesn\'t have a resource type "unheardof"\n'


def test_get_watches(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    process = run.start("get", "bt", "--watch", "--output=custom-columns=N:.metadata.name,P:.status.phase")
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(2)]
        tenants.set_status("cafe", {"phase": "Ready"}).done()
        lines.append(process.stdout.readline().split())
    finally:
        process.kill()
        process.communicate()

    assert lines == [["N", "P"], ["cafe", "<none>"], ["cafe", "Ready"]]


def test_get_watches_tables(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    process = run.start("get", "bt", "--watch")
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(2)]
        tenants.set_status("cafe", {"phase": "Ready"}).done()
        lines.append(process.stdout.readline().split())
    finally:
        process.kill()
        process.communicate()

    assert [line[:2] for line in lines[::2]] == [["NAME", "PHASE"], ["cafe", "Ready"]]
    assert lines[1][0] == "cafe"


def test_describe_shows_status_and_events(run: Kubectl, tenants: Objects, namespace: str) -> None:
    uid = tenants.create(bodies.tenant("cafe")).done().metadata["uid"]
    tenants.set_status("cafe", STATUS).done()
    involved = {"kind": "BusinessTenant", "name": "cafe", "namespace": namespace, "uid": uid}
    event = bodies.core(
        "Event",
        "cafe.1",
        involvedObject={**involved, "apiVersion": bodies.API_VERSION},
        reason="Bought",
        message="A number was bought.",
        type="Normal",
        count=1,
        firstTimestamp="2026-01-01T00:00:00Z",
        lastTimestamp="2026-01-01T00:00:00Z",
        source={"component": "tenant-operator"},
    )
    run("create", "--filename=-", stdin=event).line  # noqa: B018 - checks the exit code

    lines = [line.split() for line in run("describe", "bt", "cafe").line.splitlines()]

    assert ["Kind:", "BusinessTenant"] in lines
    assert ["Number:", "+37120123456"] in lines
    assert lines[-1][:2] == ["Normal", "Bought"]
    assert " ".join(lines[-1]).endswith("tenant-operator A number was bought.")


@pytest.mark.parametrize("condition", ["condition=Ready", "jsonpath={.status.phase}=Ready"])
def test_wait_is_over_when_the_status_says_so(run: Kubectl, tenants: Objects, condition: str) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    early = run("wait", f"--for={condition}", "bt/cafe", "--timeout=1s")
    assert early.err == "error: timed out waiting for the condition on businesstenants/cafe\n"

    tenants.set_status("cafe", STATUS).done()
    assert run("wait", f"--for={condition}", "bt/cafe", "--timeout=20s").line == f"{CAFE} condition met"


def test_wait_notices_a_later_change(run: Kubectl, tenants: Objects) -> None:
    tenants.create(bodies.tenant("cafe")).done()

    process = run.start("wait", "--for=condition=Ready", "bt/cafe", "--timeout=20s")
    tenants.set_status("cafe", {"phase": "Pending"}).done()
    tenants.set_status("cafe", STATUS).done()

    out, _ = process.communicate(timeout=25)
    assert (process.returncode, out) == (0, f"{CAFE} condition met\n")


def test_explain_knows_the_fields(run: Kubectl) -> None:
    block = run("explain", "bt.spec.phoneNumber").line
    field = run("explain", "bt.spec.phoneNumber.type").line

    assert block.startswith(f"GROUP:      {GROUP}\nKIND:       BusinessTenant\nVERSION:    v1alpha1\n")
    assert "FIELD: phoneNumber <Object>" in block
    assert "  country\t<string> -required-\n    ISO 3166-1 alpha-2 code" in block
    assert "  maxMonthlyCost\t<[]Object>\n" in block
    assert "FIELD: type <string>\nENUM:\n    Local\n    Mobile\n    National\n    TollFree\n" in field


def test_may_i(run: Kubectl) -> None:
    assert run("auth", "can-i", "list", "bt").line == "yes"


def test_resources_are_told(run: Kubectl) -> None:
    lines = run("api-resources", f"--api-group={GROUP}", "--no-headers").line.splitlines()

    assert [line.split() for line in lines] == [
        ["businesstenants", "bt", f"{GROUP}/v1alpha1", "true", "BusinessTenant"],
        ["evolutionservers", "evo", f"{GROUP}/v1alpha1", "false", "EvolutionServer"],
        ["phoneproviders", "pp", f"{GROUP}/v1alpha1", "false", "PhoneProvider"],
    ]


def test_the_version_of_the_server_is_told(run: Kubectl) -> None:
    assert "Server Version: v1.36." in run("version").line


def test_namespaces_are_shown(run: Kubectl, namespace: str) -> None:
    head, row = (line.split() for line in run("get", "namespace", namespace).line.splitlines())

    assert (head, row[:2]) == (["NAME", "STATUS", "AGE"], [namespace, "Active"])
