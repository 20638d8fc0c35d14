"""The benchmark of the operator, beside a floor and beside plain kopf: `make bench`, `make bench-quick`.

Everything runs on loopback, on control planes of its own. Sections may be measured one at a time; RESULTS.md and
results.json keep what earlier runs said of the others.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from bench import report
from bench.control_planes import one_for_all
from bench.noisy import noisy_account
from bench.onboarding import Contender, Onboarding, Order, medians, onboard
from bench.report import Figures
from bench.scale import Growth, Pace, Scale, scale, spread
from controller.cli.event_loop import new_event_loop


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many tenants each section works with."""

    onboarding: int
    growth: Sequence[int]
    scale: int
    noisy: int
    """Beside `noisy_each` on each of the accounts that misbehave."""
    noisy_each: int
    runs: int
    pace: Pace
    waiting: Sequence[Contender] = tuple(Contender)
    """Who begins with all tenants waiting."""


FULL = Sizes(
    onboarding=1000, growth=(500, 2000, 8000), scale=10_000, noisy=500, noisy_each=50, runs=3, pace=Pace()
)
QUICK = Sizes(
    onboarding=40,
    growth=(),
    scale=150,
    noisy=30,
    noisy_each=5,
    runs=1,
    pace=Pace(poll_seconds=1, cycles_before=0.3, cycles=1, edits=10, edit_every=0.3),
    waiting=(Contender.PLAIN_KOPF, Contender.OURS),
)

STARTED = time.monotonic()


async def onboarding(order: Order, sizes: Sizes) -> AsyncIterator[Figures]:
    """All contenders in turn, so that a slow hour of the machine falls on all of them."""
    contenders = sizes.waiting if order is Order.WAITING else tuple(Contender)
    runs: dict[Contender, list[Onboarding]] = {contender: [] for contender in contenders}
    for number in range(sizes.runs):
        for contender in contenders:
            run = await onboard(contender, order, sizes.onboarding, imports=sizes.runs)
            runs[contender].append(run)
            say(f"{order}, run {number + 1}: {contender} took {run.seconds:.1f} s")
    figures: Figures = {"tenants": sizes.onboarding}
    for contender, found in runs.items():
        figures |= _of_contender(contender.name.lower(), found)
    for process in runs[Contender.OURS][0].cpu_seconds_of:
        figures[f"{process.removeprefix('kube-')}_cpu_seconds"] = {
            contender.name.lower(): statistics.median(run.cpu_seconds_of[process] for run in found)
            for contender, found in runs.items()
        }
    ours = runs[Contender.OURS]
    if Contender.FLOOR in runs:
        figures["ratio_to_floor"] = figures["ours_seconds"] / figures["floor_seconds"]
    figures["speedup_over_plain_kopf"] = figures["plain_kopf_seconds"] / figures["ours_seconds"]
    figures["plain_kopf_api_5xx"] = max(run.api_calls.errors_5xx for run in runs[Contender.PLAIN_KOPF])
    yield {order.value: figures}
    if order is Order.ARRIVING:
        yield {
            "onboard": {
                "api_5xx": max(run.api_calls.errors_5xx for run in ours),
                "api_writes_per_tenant": round(medians(ours, lambda run: run.writes_per_tenant), 2),
                "quorum_reads_per_tenant": round(medians(ours, lambda run: run.quorum_reads_per_tenant), 2),
                "outside_requests_per_tenant": medians(ours, _outside_requests),
                "floor_outside_requests_per_tenant": medians(runs[Contender.FLOOR], _outside_requests),
                "requests_per_tenant_by_verb": ours[-1].by_verb(),
            }
        }


def _of_contender(name: str, runs: Sequence[Onboarding]) -> Figures:
    return {
        f"{name}_seconds": medians(runs, lambda run: run.seconds),
        f"{name}_import_seconds": medians(runs, lambda run: run.import_seconds),
        f"{name}_cpu_seconds": medians(runs, lambda run: run.cpu_seconds),
        f"{name}_peak_rss_mb": medians(runs, lambda run: run.peak_rss_mb),
    }


def _outside_requests(run: Onboarding) -> float:
    return run.outside_requests / run.tenants


async def at_scale(sizes: Sizes) -> AsyncIterator[Figures]:
    """Growth first; the tenants that it onboarded are those of the other figures."""
    costs: list[Growth] = []
    for tenants in sizes.growth[:-1]:
        async with scale(tenants, sizes.pace) as small:
            costs.append(await small.grow(tenants))
            say(f"growth: {costs[-1]}")
    async with scale(sizes.scale, sizes.pace) as large:
        for tenants in [*sizes.growth[-1:], sizes.scale]:
            if tenants <= sizes.scale and not (costs and costs[-1].tenants >= tenants):
                costs.append(await large.grow(tenants))
                say(f"growth: {costs[-1]}")
        grown = [cost for cost in costs if cost.tenants in sizes.growth]
        if len(grown) > 1:
            yield {
                "growth": {
                    "spread": spread([cost.cpu_ms_per_tenant for cost in grown]),
                    "spread_of_seconds": spread([cost.seconds_per_tenant for cost in grown]),
                    "cpu_ms_per_tenant": {str(cost.tenants): cost.cpu_ms_per_tenant for cost in grown},
                    "ms_per_tenant": {str(cost.tenants): 1000 * cost.seconds_per_tenant for cost in grown},
                }
            }
        async for figures in _with_ready_tenants(large, sizes):
            yield figures


async def _with_ready_tenants(large: Scale, sizes: Sizes) -> AsyncIterator[Figures]:
    steady = await large.steady()
    say(f"steady: {steady}")
    yield {
        "steady": {
            "tenants": sizes.scale,
            "api_writes": steady.api_writes,
            "lease_writes_per_cycle": steady.lease_writes_per_cycle,
            "outside_requests_per_cycle": steady.outside_requests_per_cycle,
            "deep_checks_per_cycle": steady.deep_checks_per_cycle,
            "cpu_seconds_per_cycle": steady.cpu_seconds_per_cycle,
            "rss_mb": steady.rss_mb,
        }
    }
    edits = await large.edits()
    say(f"edits: p50 {edits.p50:.3f} s, p99 {edits.p99:.3f} s")
    yield {"edit": {"p50_seconds": edits.p50, "p99_seconds": edits.p99, "edits": len(edits.seconds)}}
    restarts = [await large.restart() for _ in range(sizes.runs)]
    say(f"restart: {restarts[-1]}")
    while_down = await large.edits_during_restart()
    say(f"edits during a restart: p50 {while_down.p50:.3f} s, p99 {while_down.p99:.3f} s")
    rolling = await large.rolling_update()
    say(f"rolling update: {rolling.seconds:.1f} s; edits: p99 {rolling.edits.p99:.3f} s")
    yield {
        "rolling_update": {
            "tenants": sizes.scale,
            "seconds": rolling.seconds,
            "edits": len(rolling.edits.seconds),
            "edit_p50_seconds": rolling.edits.p50,
            "edit_p99_seconds": rolling.edits.p99,
            "edit_max_seconds": max(rolling.edits.seconds),
        }
    }
    await large.end()
    kopf = [await large.watching("bare_kopf") for _ in range(sizes.runs)]
    listed = [await large.watching("bare_list") for _ in range(sizes.runs)]
    cpu = statistics.median(run.cpu_seconds for run in restarts)
    kopf_cpu = statistics.median(run.cpu_seconds for run in kopf)
    yield {
        "restart": {
            "tenants": sizes.scale,
            "seconds": statistics.median(run.seconds for run in restarts),
            "cpu_seconds": cpu,
            "cpu_ratio_to_bare_kopf": cpu / kopf_cpu,
            "peak_rss_mb": max(run.peak_rss_mb for run in restarts),
            "api_writes": max(run.api_writes for run in restarts),
            "lease_writes": max(run.lease_writes for run in restarts),
            "outside_requests": max(run.outside_requests for run in restarts),
            "per_tenant_requests": max(run.deep_checks for run in restarts),
            "edit_p50_seconds": while_down.p50,
            "edit_p99_seconds": while_down.p99,
            "bare_kopf_cpu_seconds": kopf_cpu,
            "bare_kopf_seconds": statistics.median(run.seconds for run in kopf),
            "bare_kopf_peak_rss_mb": max(run.peak_rss_mb for run in kopf),
            "bare_list_cpu_seconds": statistics.median(run.cpu_seconds for run in listed),
            "bare_list_seconds": statistics.median(run.seconds for run in listed),
            "bare_list_peak_rss_mb": max(run.peak_rss_mb for run in listed),
        }
    }


async def beside_noise(sizes: Sizes) -> AsyncIterator[Figures]:
    runs = []
    for _ in range(sizes.runs):
        runs.append(await noisy_account(sizes.noisy, sizes.noisy_each))
        say(f"noisy account: {runs[-1]}")
    yield {
        "noisy_account": {
            "tenants": sizes.noisy,
            "slowdown": statistics.median(run.slowdown for run in runs),
            "alone_seconds": statistics.median(run.alone_seconds for run in runs),
            "beside_seconds": statistics.median(run.beside_seconds for run in runs),
        }
    }


SECTIONS: dict[str, Callable[[Sizes], AsyncIterator[Figures]]] = {
    "arriving": lambda sizes: onboarding(Order.ARRIVING, sizes),
    "waiting": lambda sizes: onboarding(Order.WAITING, sizes),
    "noisy": beside_noise,
    "scale": at_scale,
}
MEASURED_ONCE = frozenset({"growth", "steady", "edit", "rolling_update"})


def say(sentence: str) -> None:
    """With the time since the start."""
    minutes, seconds = divmod(round(time.monotonic() - STARTED), 60)
    print(f"[{minutes:3}:{seconds:02}] {sentence}", flush=True)


async def measure(sections: Sequence[str], sizes: Sizes, *, keep: bool) -> Figures:
    """The figures of some sections, with what they were measured on; kept as soon as there are some."""
    load = f"load before {os.getloadavg()[0]:.1f}"
    machine = report.machine()
    figures: Figures = {}
    for section in sections:
        async for found in SECTIONS[section](sizes):
            conditions = {"outside": "fakes in one process of their own, 20 ms latency a call"}
            for name in found:
                runs = 1 if name in MEASURED_ONCE else sizes.runs
                times = "once" if runs == 1 else f"{runs} runs, medians"
                conditions[name] = f"{times}, {machine['date']}, {load}"
            conditions = figures.get("conditions", {}) | conditions
            figures |= found | {"machine": machine, "conditions": conditions}
            if keep:
                figures = report.merge_results(figures)
    return figures


async def quickly(sections: Sequence[str], sizes: Sizes) -> Figures:
    """The same to try whether all of it works."""
    async with one_for_all():
        return await measure(sections, sizes, keep=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few tenants, one run, under two minutes; writes no files"
    )
    parser.add_argument("--runs", type=int, help="runs of which medians are taken")
    parser.add_argument(
        "--only", choices=[*SECTIONS], action="append", help="measure only this; may be repeated"
    )
    parser.add_argument("--tenants", type=int, help="tenants that are onboarded side by side")
    parser.add_argument("--scale", type=int, help="tenants that are Ready in steady state, restart and edits")
    arguments = parser.parse_args()
    base = QUICK if arguments.quick else FULL
    sizes = Sizes(
        onboarding=arguments.tenants or base.onboarding,
        growth=[size for size in base.growth if size <= (arguments.scale or base.scale)],
        scale=arguments.scale or base.scale,
        noisy=base.noisy,
        noisy_each=base.noisy_each,
        waiting=base.waiting,
        runs=arguments.runs or base.runs,
        pace=base.pace,
    )
    sections = arguments.only or [*SECTIONS]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        figures = runner.run(
            quickly(sections, sizes) if arguments.quick else measure(sections, sizes, keep=True)
        )
    say("all measured")
    report.print_table(figures)


if __name__ == "__main__":
    main()
