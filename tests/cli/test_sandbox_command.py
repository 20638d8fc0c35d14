"""`tenant-operator sandbox` as people run it: a process of its own, read by what it prints and how it ends."""

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane.cluster import Cluster

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "manifests" / "samples"
AT_VONAGE = """\
apiVersion: x-sevenai.com/v1alpha1
kind: BusinessTenant
metadata: {name: at-vonage, namespace: tenants}
spec:
  business: {name: Second line}
  phoneNumber: {country: LV, type: Mobile, providerRef: {name: vonage}}
  whatsapp: {channel: Baileys}
  ai: {route: Webhook}
"""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    printed: str


async def sandbox(*arguments: str, seconds: float = 90) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "controller.cli.main", "sandbox", *arguments),
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), seconds)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode())


async def test_the_samples_become_ready(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    ended = await sandbox(
        *("--apply", str(SAMPLES), "--until-ready", "--write-kubeconfig", str(kubeconfig)), seconds=120
    )
    assert ended.code == 0, ended.printed
    assert ended.printed.rstrip().endswith("9/9 tenants Ready")
    header, *rows = ended.printed.partition("NAMESPACE")[2].splitlines()
    assert header.split() == ["NAME", "PHASE", "NUMBER", "WHATSAPP", "AI", "READY", "AGE"]
    assert all(re.search(r"Ready +\+\d+ +Open +Webhook +True +\d+s", row) for row in rows[:9])
    assert kubeconfig.stat().st_mode & 0o077 == 0


async def test_tenants_that_do_not_get_ready_are_named_with_their_reasons(tmp_path: Path) -> None:
    ended = await sandbox(
        *("--apply", str(SAMPLES / "restaurant-chain.yaml"), "--apply", str(SAMPLES / "namespace.yaml")),
        *("--until-ready", "--timeout", "8", "--manual-pairing"),
        *("--write-kubeconfig", str(tmp_path / "kubeconfig")),
    )
    assert ended.code == 1, ended.printed
    assert ended.printed.rstrip().endswith("0/2 tenants Ready")
    assert "riga-center: Pair WhatsApp of +371" in ended.printed


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        ("kind: [", "cannot be read"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}", "Deployment apps/v1 is not applied"),
        (
            (
                "apiVersion: x-sevenai.com/v1alpha1\nkind: BusinessTenant\nmetadata: {name: bad}\n"
                "spec: {business: {name: X}, phoneNumber: {country: Latvia, type: Local}}"
            ),
            "spec.phoneNumber.country",
        ),
    ],
)
async def test_a_manifest_that_cannot_be_applied_is_named(
    tmp_path: Path, manifest: str, sentence: str
) -> None:
    file = tmp_path / "tenant.yaml"
    file.write_text(manifest)
    ended = await sandbox(
        *("--apply", str(file), "--until-ready", "--write-kubeconfig", str(tmp_path / "kubeconfig"))
    )
    assert ended.code == 1
    assert sentence in ended.printed
    assert "Traceback" not in ended.printed


async def test_a_sandbox_with_a_state_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state, at_vonage = tmp_path / "state", tmp_path / "at-vonage.yaml"
    at_vonage.write_text(AT_VONAGE)
    chain = ("--apply", str(SAMPLES), "--apply", str(at_vonage))
    where = ("--state", str(state), "--write-kubeconfig", str(tmp_path / "kubeconfig"))
    first = await sandbox(*chain, "--until-ready", *where)
    second = await sandbox(*chain, "--until-ready", *where)
    assert (first.code, second.code) == (0, 0), second.printed
    numbers = re.findall(r"\+\d{8,}", first.printed.partition("NAMESPACE")[2])
    assert len(set(numbers)) == 10
    held = json.loads((state / "outside-world.json").read_text())
    assert f"+{held['vonage']['charges'][0]['msisdn']}" in numbers
    counts = [
        (len(held[account]["numbers"]), len(held[account]["charges"])) for account in ("twilio", "vonage")
    ]
    assert counts == [(9, 9), (1, 1)]
    assert re.findall(r"\+\d{8,}", second.printed.partition("NAMESPACE")[2]) == numbers
    assert "WaitingForPairing" not in second.printed


@pytest.mark.parametrize("file", ["apiserver.json", "outside-world.json"])
async def test_a_state_that_is_none_is_named(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("[]")
    kubeconfig = ("--write-kubeconfig", str(tmp_path / "kubeconfig"))
    ended = await sandbox("--apply", str(SAMPLES), "--until-ready", "--state", str(tmp_path), *kubeconfig)
    assert ended.code == 1
    assert file in ended.printed
    assert "delete it" in ended.printed
    assert "Traceback" not in ended.printed


async def test_waiting_for_nothing_is_refused() -> None:
    ended = await sandbox("--until-ready")
    assert ended.code == 2
    assert "--until-ready needs --apply" in ended.printed


@pytest.mark.kube
async def test_the_samples_become_ready_on_a_real_cluster(control_plane: Cluster, tmp_path: Path) -> None:
    kubeconfig = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    try:
        ended = await sandbox(
            *("--kubeconfig", str(kubeconfig), "--apply", str(SAMPLES), "--until-ready"), seconds=150
        )
    finally:
        # Shared with other tests: what would look for the fakes that are gone goes too.
        for kind in ("businesstenants", "phoneproviders", "evolutionservers"):
            patch = '{"metadata":{"finalizers":null}}'
            names = control_plane.kubectl("get", kind, "-A", "-o", "name", "--ignore-not-found").split()
            for name in names:
                scope = ("-n", "tenants") if kind == "businesstenants" else ()
                control_plane.kubectl("delete", name, *scope, "--wait=false", "--ignore-not-found")
                control_plane.kubectl("patch", name, *scope, "--type=merge", "-p", patch)
    assert ended.code == 0, ended.printed
    assert ended.printed.rstrip().endswith("9/9 tenants Ready")
