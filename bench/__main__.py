"""The benchmark of the operator, beside a floor and beside plain kopf: `make bench`, `make bench-quick`.

Everything runs on loopback, on control planes of its own. Sections may be measured one at a time; RESULTS.md and
results.json keep what earlier runs said of the others.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench import report
from bench.noisy import noisy_account
from bench.onboarding import Contender, Onboarding, Order, medians, onboard
from bench.report import Figures
from bench.scale import Growth, Scale, scale, spread
from controller.cli.event_loop import new_event_loop


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many tenants each section works with."""

    onboarding: int
    growth: Sequence[int]
    scale: int
    noisy: int
    runs: int
    poll_seconds: int = 3
    edits: int = 50


FULL = Sizes(onboarding=1000, growth=(500, 2000, 8000), scale=10_000, noisy=500, runs=3)
QUICK = Sizes(onboarding=40, growth=(), scale=60, noisy=0, runs=1, poll_seconds=1, edits=15)


async def onboarding(order: Order, sizes: Sizes) -> Figures:
    """All contenders in turn, so that a slow hour of the machine falls on all of them."""
    runs: dict[Contender, list[Onboarding]] = {contender: [] for contender in Contender}
    for number in range(sizes.runs):
        for contender in Contender:
            run = await onboard(contender, order, sizes.onboarding)
            runs[contender].append(run)
            say(f"{order}, run {number + 1}: {contender} took {run.seconds:.1f} s")
    seconds = {contender: medians(found, lambda run: run.seconds) for contender, found in runs.items()}
    ours, plain = runs[Contender.OURS], runs[Contender.PLAIN_KOPF]
    figures: Figures = {
        "tenants": sizes.onboarding,
        "floor_seconds": seconds[Contender.FLOOR],
        "plain_kopf_seconds": seconds[Contender.PLAIN_KOPF],
        "ours_seconds": seconds[Contender.OURS],
        "ratio_to_floor": seconds[Contender.OURS] / seconds[Contender.FLOOR],
        "speedup_over_plain_kopf": seconds[Contender.PLAIN_KOPF] / seconds[Contender.OURS],
        "ours_import_seconds": medians(ours, lambda run: run.import_seconds),
        "plain_kopf_import_seconds": medians(plain, lambda run: run.import_seconds),
        "ours_cpu_seconds": medians(ours, lambda run: run.cpu_seconds),
        "plain_kopf_cpu_seconds": medians(plain, lambda run: run.cpu_seconds),
        "ours_peak_rss_mb": medians(ours, lambda run: run.peak_rss_mb),
        "plain_kopf_peak_rss_mb": medians(plain, lambda run: run.peak_rss_mb),
        "plain_kopf_api_5xx": max(run.api_calls.errors_5xx for run in plain),
    }
    costs = {
        "api_5xx": max(run.api_calls.errors_5xx for run in ours),
        "api_writes_per_tenant": round(medians(ours, lambda run: run.writes_per_tenant), 2),
        "quorum_reads_per_tenant": round(medians(ours, lambda run: run.quorum_reads_per_tenant), 2),
        "outside_requests_per_tenant": medians(ours, lambda run: run.outside_requests / run.tenants),
        "requests_per_tenant_by_verb": ours[-1].by_verb(),
    }
    return {order.value: figures} | ({"onboard": costs} if order is Order.ARRIVING else {})


async def at_scale(sizes: Sizes) -> Figures:
    """Growth first; the tenants that it onboarded are those of the other figures."""
    costs: list[Growth] = []
    for tenants in sizes.growth[:-1]:
        async with scale(tenants, sizes.poll_seconds, sizes.edits) as small:
            costs.append(await small.grow(tenants))
            say(f"growth: {costs[-1]}")
    async with scale(sizes.scale, sizes.poll_seconds, sizes.edits) as large:
        for tenants in [*sizes.growth[-1:], sizes.scale]:
            if tenants <= sizes.scale and not (costs and costs[-1].tenants >= tenants):
                costs.append(await large.grow(tenants))
                say(f"growth: {costs[-1]}")
        figures = await _with_ready_tenants(large, sizes)
    grown = [cost for cost in costs if cost.tenants in sizes.growth]
    if len(grown) > 1:
        figures["growth"] = {
            "spread": spread([cost.cpu_ms_per_tenant for cost in grown]),
            "spread_of_seconds": spread([cost.seconds_per_tenant for cost in grown]),
            "cpu_ms_per_tenant": {str(cost.tenants): cost.cpu_ms_per_tenant for cost in grown},
            "ms_per_tenant": {str(cost.tenants): 1000 * cost.seconds_per_tenant for cost in grown},
        }
    return figures


async def _with_ready_tenants(large: Scale, sizes: Sizes) -> Figures:
    steady = await large.steady()
    say(f"steady: {steady}")
    edits = await large.edits()
    say(f"edits: p50 {edits.p50:.3f} s, p99 {edits.p99:.3f} s")
    restarts = [await large.restart() for _ in range(sizes.runs)]
    say(f"restart: {restarts[-1]}")
    while_down = await large.edits_during_restart()
    await large.stop()
    kopf = [await large.watching("bare_kopf") for _ in range(sizes.runs)]
    listed = [await large.watching("bare_list") for _ in range(sizes.runs)]
    cpu = statistics.median(run.cpu_seconds for run in restarts)
    kopf_cpu = statistics.median(run.cpu_seconds for run in kopf)
    figures: Figures = {
        "steady": {
            "tenants": sizes.scale,
            "api_writes": steady.api_writes,
            "outside_requests_per_cycle": steady.outside_requests_per_cycle,
            "deep_checks_per_cycle": steady.deep_checks_per_cycle,
            "cpu_seconds_per_cycle": steady.cpu_seconds_per_cycle,
            "rss_mb": steady.rss_mb,
        },
        "restart": {
            "tenants": sizes.scale,
            "seconds": statistics.median(run.seconds for run in restarts),
            "cpu_seconds": cpu,
            "cpu_ratio_to_bare_kopf": cpu / kopf_cpu,
            "peak_rss_mb": max(run.peak_rss_mb for run in restarts),
            "api_writes": max(run.api_writes for run in restarts),
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
        },
        "edit": {"p50_seconds": edits.p50, "p99_seconds": edits.p99},
    }
    return figures


async def beside_noise(sizes: Sizes) -> Figures:
    if not sizes.noisy:
        return {}
    runs = [await noisy_account(sizes.noisy) for _ in range(sizes.runs)]
    say(f"noisy account: {runs[-1]}")
    return {
        "noisy_account": {
            "tenants": sizes.noisy,
            "slowdown": statistics.median(run.slowdown for run in runs),
            "alone_seconds": statistics.median(run.alone_seconds for run in runs),
            "beside_seconds": statistics.median(run.beside_seconds for run in runs),
        }
    }


SECTIONS: dict[str, Callable[[Sizes], Awaitable[Figures]]] = {
    "arriving": lambda sizes: onboarding(Order.ARRIVING, sizes),
    "waiting": lambda sizes: onboarding(Order.WAITING, sizes),
    "noisy": beside_noise,
    "scale": at_scale,
}


def say(sentence: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {sentence}", flush=True)


async def measure(sections: Sequence[str], sizes: Sizes) -> Figures:
    """The figures of some sections, with what they were measured on."""
    conditions = {
        "runs": f"{sizes.runs}, medians",
        "outside": "fakes in one process of their own, 20 ms latency a call",
        "load_before": f"{os.getloadavg()[0]:.1f} on average over the last minute, by others",
    }
    figures: Figures = {"machine": report.machine(), "conditions": conditions}
    for section in sections:
        figures |= await SECTIONS[section](sizes)
    return figures


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
        runs=arguments.runs or base.runs,
        poll_seconds=base.poll_seconds,
        edits=base.edits,
    )
    sections = arguments.only or [*SECTIONS]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        figures = runner.run(measure(sections, sizes))
    if not arguments.quick:
        figures = report.merge_results(figures)
    report.print_table(figures)


if __name__ == "__main__":
    main()
