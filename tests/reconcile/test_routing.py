"""When a webhook is as wanted, and what is planned when it is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.conditions import Reason
from controller.providers.evolution.protocol import WebhookSettings
from controller.reconcile.ai.plan import same_webhook
from controller.reconcile.ai.routes import NOBODY, RoutesRead, WantedRoute
from controller.reconcile.change import SetWebhook
from controller.reconcile.observed import InstanceObserved, NumberObserved, RoutesTrusted, RoutingObserved
from controller.reconcile.routing import plan_routing
from controller.reconcile.verdict import Verdict

from .builders import OWNER, PHONE, WEBHOOK, WHATSAPP, desired, held, instance_status, recorded, row

WANTED = desired(**PHONE, **WHATSAPP, **WEBHOOK)
HOOK = WebhookSettings(
    enabled=True, url="http://platform.test/hook", events=("MESSAGES_UPSERT",), headers={"Authorization": "x"}
)
NUMBER = NumberObserved(recorded=recorded(), held=held(OWNER.label()))
INSTANCE = InstanceObserved(recorded=instance_status(), server="evo", row=row())
GOOD = Verdict.good(Reason.AVAILABLE, "It is.")
BAD = Verdict.waiting(Reason.PURCHASING, "It is not.")

HOOKS = st.builds(
    WebhookSettings,
    enabled=st.booleans(),
    url=st.sampled_from(["http://a", "http://b"]),
    events=st.sampled_from([("A",), ("A", "B"), ("B", "A")]),
    headers=st.sampled_from([{}, {"X": "1"}, {"x": "1"}, {"x": "2"}]),
)


def routing(current: WebhookSettings | None, wanted: WebhookSettings | None) -> RoutingObserved:
    wish = WantedRoute(webhook=wanted) if wanted is not None else NOBODY
    return RoutingObserved(RoutesRead("cafe", webhook=current), wanted=wish, target="http://x")


@given(HOOKS, HOOKS)
def test_the_same_webhook_whatever_the_order_of_events_and_the_case_of_headers(
    one: WebhookSettings, other: WebhookSettings
) -> None:
    def essence(hook: WebhookSettings) -> object:
        return hook.url, sorted(hook.events), {name.lower(): value for name, value in hook.headers.items()}

    wanted = replace(other, enabled=True)
    assert same_webhook(one, wanted) == (one.enabled and essence(one) == essence(wanted))


@pytest.mark.parametrize(
    ("current", "same"), [(None, True), (HOOK, False), (replace(HOOK, enabled=False), True)]
)
def test_off_is_off(current: WebhookSettings | None, *, same: bool) -> None:
    assert same_webhook(current, None) is same


def test_a_difference_is_one_change_and_shows_no_header() -> None:
    observed = routing(replace(HOOK, url="http://other"), HOOK)
    (change,) = plan_routing(WANTED, NUMBER, INSTANCE, observed, GOOD).changes
    assert change.action == SetWebhook(HOOK)
    assert (change.before, change.after) == ("http://other", HOOK.url)
    assert change.repairs is None
    assert "Authorization" not in repr(change)


def test_what_somebody_else_changed_counts_as_a_repair() -> None:
    observed = replace(routing(replace(HOOK, url="http://other"), HOOK), changed_by_others=True)
    (change,) = plan_routing(WANTED, NUMBER, INSTANCE, observed, GOOD).changes
    assert change.repairs == "webhook"


def test_what_is_no_longer_wanted_is_turned_off_without_its_headers() -> None:
    (change,) = plan_routing(desired(), NUMBER, INSTANCE, routing(HOOK, None), GOOD).changes
    assert change.action == SetWebhook(WebhookSettings(enabled=False, url=HOOK.url))


@pytest.mark.parametrize(
    ("wanted", "instance", "observed", "number", "reason"),
    [
        (WANTED, INSTANCE, RoutingObserved(RoutesTrusted(), target="http://x"), GOOD, Reason.VERIFIED),
        (WANTED, INSTANCE, routing(HOOK, HOOK), GOOD, Reason.VERIFIED),
        (WANTED, InstanceObserved(), RoutingObserved(), GOOD, Reason.WAITING_FOR_INSTANCE),
        (WANTED, INSTANCE, RoutingObserved(BAD), GOOD, Reason.PURCHASING),
        (
            WANTED,
            replace(INSTANCE, row=row(owner_number="+37129999999")),
            RoutingObserved(),
            GOOD,
            Reason.WRONG_NUMBER,
        ),
        (desired(), INSTANCE, RoutingObserved(), GOOD, Reason.NOT_REQUESTED),
        (
            desired(**PHONE, ai={"route": "None", "voice": {"route": "Webhook", "url": "http://v"}}),
            INSTANCE,
            RoutingObserved(),
            BAD,
            Reason.WAITING_FOR_NUMBER,
        ),
    ],
)
def test_what_is_said(
    wanted: object, instance: InstanceObserved, observed: RoutingObserved, number: Verdict, reason: Reason
) -> None:
    plan = plan_routing(wanted, NUMBER, instance, observed, number)  # type: ignore[arg-type]
    assert plan.verdict.reason is reason
    assert all(change.action is None for change in plan.changes)
