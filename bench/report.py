"""The figures, the targets they are held against, and the table of both."""

import json
import math
import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
RESULTS_JSON: Final = FOLDER / "results.json"
RESULTS_TABLE: Final = FOLDER / "RESULTS.md"


class Bound(StrEnum):
    AT_MOST = "<="
    AT_LEAST = ">="
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be."""

    bound: Bound
    value: float

    def holds(self, figure: float) -> bool:
        match self.bound:
            case Bound.AT_MOST:
                return figure <= self.value
            case Bound.AT_LEAST:
                return figure >= self.value
            case Bound.BELOW:
                return figure < self.value

    def __str__(self) -> str:
        return f"{self.bound} {self.value:g}"


TARGETS: Final[Mapping[str, Target]] = {
    "arriving.ratio_to_floor": Target(Bound.AT_MOST, 1.2),
    "arriving.speedup_over_plain_kopf": Target(Bound.AT_LEAST, 0.9),
    "waiting.ratio_to_floor": Target(Bound.AT_MOST, 1.2),
    "waiting.speedup_over_plain_kopf": Target(Bound.AT_LEAST, 1.5),
    "onboard.api_5xx": Target(Bound.AT_MOST, 0),
    "onboard.api_writes_per_tenant": Target(Bound.AT_MOST, 7),
    "onboard.quorum_reads_per_tenant": Target(Bound.AT_MOST, 1),
    "steady.api_writes": Target(Bound.AT_MOST, 0),
    "steady.cpu_seconds_per_cycle": Target(Bound.AT_MOST, 3),
    "steady.rss_mb": Target(Bound.AT_MOST, 250),
    "restart.peak_rss_mb": Target(Bound.AT_MOST, 250),
    "restart.api_writes": Target(Bound.AT_MOST, 0),
    "restart.cpu_ratio_to_bare_kopf": Target(Bound.AT_MOST, 1.5),
    "edit.p99_seconds": Target(Bound.BELOW, 1),
    "rolling_update.edit_p99_seconds": Target(Bound.BELOW, 2),
    "noisy_account.slowdown": Target(Bound.AT_MOST, 1.10),
    "growth.spread": Target(Bound.AT_MOST, 1.15),
}

Figures = dict[str, Any]
"""By section: each a mapping of names to numbers, or to such mappings."""


def machine() -> Figures:
    """What was measured on. No names of hosts, no paths."""
    memory = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model[1] if model else platform.machine(),
        "memory_gb": round(int(memory[1]) / 2**20) if memory else None,
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "kopf": version("kopf"),
        "uvloop": version("uvloop"),
        "aiohttp": version("aiohttp"),
        "date": datetime.now(UTC).date().isoformat(),
    }


def merge_results(figures: Figures) -> Figures:
    """Put the sections measured now over those measured before, and write both files; all of them.

    Each section keeps the conditions that it was measured under.
    """
    kept: Figures = json.loads(RESULTS_JSON.read_text()) if RESULTS_JSON.exists() else {}
    conditions = {**kept.get("conditions", {}), **figures["conditions"]}
    merged = {**kept, **figures}
    merged["conditions"] = {name: said for name, said in conditions.items() if name in (*merged, "outside")}
    RESULTS_JSON.write_text(json.dumps(_rounded(merged), indent=2, sort_keys=True) + "\n")
    RESULTS_TABLE.write_text(page(merged))
    return merged


def table(figures: Figures) -> list[tuple[str, str, str, str]]:
    """Figure, value, target, and whether it holds."""
    rows = []
    measured = dict(_flat({k: v for k, v in figures.items() if k not in ("machine", "conditions")}))
    for name, value in sorted(measured.items()):
        target = TARGETS.get(name)
        verdict = "" if target is None else "met" if target.holds(value) else "MISSED"
        rows.append((name, _text(value), str(target or ""), verdict))
    rows += [
        (name, "not measured", str(target), "") for name, target in TARGETS.items() if name not in measured
    ]
    return rows


def print_table(figures: Figures) -> None:
    rows = [("figure", "value", "target", ""), *table(figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    sys.stdout.flush()


def page(figures: Figures) -> str:
    """RESULTS.md."""
    lines = [
        "# Results of the benchmark",
        "",
        "Written by `make bench`; see docs/explanation/performance.md.",
        "",
    ]
    for title in ("machine", "conditions"):
        said = figures.get(title)
        if said:
            lines += [f"## {title.capitalize()}", ""]
            lines += [f"- {name.replace('_', ' ')}: {value}" for name, value in said.items()]
            lines.append("")
    lines += ["## Figures", "", "| figure | value | target | |", "|---|---:|---:|---|"]
    lines += [
        f"| {name} | {value} | {target} | {verdict} |" for name, value, target, verdict in table(figures)
    ]
    return "\n".join(lines) + "\n"


def _flat(figures: Mapping[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not math.isnan(value):
            found.append((f"{prefix}{name}", value))
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


def _text(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
