"""The rules of conditions, for every status that any test produces."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from controller.api.conditions import ConditionType, Reason
from controller.reconcile.verdict import Facet

_REASONS: Final = {reason.text for reason in Reason}
_ONLY_WHILE_TRUE: Final = {ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.DELETING}


def broken_rules(body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with an object's status, in sentences; empty when nothing is.

    `body` is the whole object as the API server has it; `before` the version before it, where it is known: only
    then it can be told whether times moved without reason.
    """
    metadata, status = body["metadata"], body.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    said = f"{body.get('kind')} {metadata['name']}"
    problems = [
        *_of_summary(conditions, is_tenant=body.get("kind") == "BusinessTenant"),
        *_of_generations(status, conditions, metadata.get("generation", 0)),
        *(problem for condition in conditions.values() for problem in _of_condition(condition)),
        *(_of_times(conditions, before) if before is not None else ()),
    ]
    return [f"{said}: {problem}" for problem in problems]


def _of_summary(conditions: Mapping[str, Any], *, is_tenant: bool) -> list[str]:
    def is_true(type_: ConditionType) -> bool:
        return bool(conditions.get(type_, {}).get("status") == "True")

    problems = [] if ConditionType.READY in conditions else ["Ready is missing."]
    reconciling, stalled = is_true(ConditionType.RECONCILING), is_true(ConditionType.STALLED)
    if is_true(ConditionType.READY) and (reconciling or stalled):
        problems.append("Ready is True beside Reconciling or Stalled.")
    if reconciling and stalled:
        problems.append("Reconciling and Stalled are both True.")
    problems += [
        f"{type_} is present although it is not True."
        for type_ in _ONLY_WHILE_TRUE
        if type_ in conditions and not is_true(type_)
    ]
    if not is_tenant:
        return problems
    if ConditionType.PAUSED not in conditions:
        problems.append("Paused is missing.")
    if is_true(ConditionType.READY):
        problems += [
            f"Ready is True although {facet} is not."
            for facet in Facet
            if facet is not Facet.TEMPLATES and not is_true(ConditionType(facet.value))
        ]
    return problems


def _of_generations(status: Mapping[str, Any], conditions: Mapping[str, Any], generation: int) -> list[str]:
    observed = {"status": status.get("observedGeneration", 0)} | {
        type_: condition.get("observedGeneration", 0) for type_, condition in conditions.items()
    }
    problems = [
        f"{name} speaks of a generation to come." for name, seen in observed.items() if seen > generation
    ]
    ready = conditions.get(ConditionType.READY, {})
    if ready.get("status") == "True" and ready.get("observedGeneration", 0) > status.get(
        "observedGeneration", 0
    ):
        problems.append("Ready is True for a generation that the status has not observed.")
    return problems


def _of_condition(condition: Mapping[str, Any]) -> list[str]:
    type_, problems = condition["type"], []
    if type_ not in set(ConditionType):
        problems.append(f"{type_} is no condition type.")
    if condition.get("reason") not in _REASONS:
        problems.append(f"{type_} has the unknown reason {condition.get('reason')!r}.")
    if not condition.get("message", "").strip():
        problems.append(f"{type_} has no message.")
    try:
        datetime.fromisoformat(condition.get("lastTransitionTime", ""))
    except ValueError:
        problems.append(f"{type_} has no lastTransitionTime.")
    return problems


def _of_times(conditions: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    old = {condition["type"]: condition for condition in (before.get("status") or {}).get("conditions") or ()}
    return [
        f"lastTransitionTime of {type_} moved although its status did not."
        for type_, condition in conditions.items()
        if type_ in old
        and old[type_]["status"] == condition["status"]
        and old[type_]["lastTransitionTime"] != condition["lastTransitionTime"]
    ]
