"""What a spec on the Cloud API asks of Meta, and what is done about its instance."""

from typing import Any

import pytest

from controller.api.conditions import Reason
from controller.providers.evolution.protocol import InstanceRow, SessionState
from controller.providers.meta.protocol import BusinessProfile, TemplateCategory
from controller.providers.meta.vertical import Vertical
from controller.reconcile.change import ReplaceInstance
from controller.reconcile.cloud_api.desired import DesiredBusinessProfile, DesiredCloudAPI
from controller.reconcile.cloud_api.observe import differing
from controller.reconcile.connection import plan_connection
from controller.reconcile.desired import DesiredTenant
from controller.reconcile.instance.plan import plan_instance
from controller.reconcile.observed import InstanceObserved, MetaObserved, NumberObserved
from controller.reconcile.ownership import Owner
from controller.reconcile.verdict import Verdict

from .builders import NOW, NUMBER, OWNER, PHONE, POLICY, desired, held, instance_status, recorded, row

OTHER_NUMBER = "+37129999999"
ACCOUNT = {"businessAccountID": "400", "accessTokenSecretRef": {"name": "meta", "key": "token"}}


def on_cloud_api(phone_number_id: str | None = "100", **whatsapp: Any) -> dict[str, Any]:
    ids = {} if phone_number_id is None else {"phoneNumberID": phone_number_id}
    return {"whatsapp": {"channel": "CloudAPI", "cloudAPI": {**ACCOUNT, **ids}, **whatsapp}}


def wanted_of(spec: DesiredTenant) -> DesiredCloudAPI:
    assert spec.instance is not None
    assert spec.instance.cloud_api is not None
    return spec.instance.cloud_api


def business_row(**changes: Any) -> InstanceRow:
    values = {"integration": "WHATSAPP-BUSINESS", "number": "100", "business_id": "400", **changes}
    return row(**values)


def observed(meta: MetaObserved, **changes: Any) -> InstanceObserved:
    values: dict[str, Any] = {
        "recorded": instance_status(),
        "server": "evo",
        "row": business_row(),
        "state": SessionState.OPEN,
        "token_saved": True,
        **changes,
    }
    return InstanceObserved(**values, meta=meta)


HAS_NUMBER = NumberObserved(recorded=recorded(), held=held(OWNER.label()))


class TestDesired:
    def test_the_profile_is_made_of_the_business_block(self) -> None:
        business = {
            "name": "Cafe",
            "about": "Open",
            "websites": ["https://cafe.example"],
            "category": "food_hospitality",
        }
        spec = desired(business=business, **on_cloud_api(profile={"manage": True}))
        assert spec.profile == DesiredBusinessProfile(
            BusinessProfile(about="Open", websites=("https://cafe.example",), vertical=Vertical.RESTAURANT)
        )

    def test_templates_bear_the_tenants_prefix_and_are_meta_names(self) -> None:
        template = {
            "name": "menu",
            "language": "lv",
            "category": "Marketing",
            "components": [{"type": "BODY"}],
        }
        (made,) = desired(**on_cloud_api(templates=[template])).templates
        assert made.meta_name == f"{OWNER.template_prefix}menu"
        assert made.category is TemplateCategory.MARKETING

    @pytest.mark.parametrize(
        "other",
        [Owner("test", "tenants", "bar"), Owner("test", "other", "cafe"), Owner("other", "tenants", "cafe")],
    )
    def test_no_two_tenants_of_no_two_clusters_share_a_prefix(self, other: Owner) -> None:
        assert OWNER.template_prefix != other.template_prefix
        assert len(OWNER.template_prefix) == len(other.template_prefix) == 13
        assert OWNER.template_prefix.removesuffix("_").isalnum()

    def test_the_fingerprint_follows_ids_and_secret_version(self) -> None:
        first = wanted_of(desired(**on_cloud_api()))
        assert first.fingerprint("1") != first.fingerprint("2")
        assert first.fingerprint("1") != wanted_of(desired(**on_cloud_api("101"))).fingerprint("1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"token": "old"}, ("access token",)),
        ({"number": "99"}, ("phone number id",)),
        ({"business_id": None, "token": "old"}, ("access token", "business account")),
    ],
)
def test_what_an_instance_was_made_of_is_compared(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert differing(wanted_of(desired(**on_cloud_api())), "t", business_row(**changes)) == expected


class TestPlan:
    def test_a_difference_makes_it_anew_and_says_that_it_cannot_be_undone(self) -> None:
        plan = plan_instance(
            desired(**on_cloud_api()),
            NumberObserved(),
            observed(MetaObserved(NUMBER, differing=("access token",))),
        )
        (change,) = plan.changes
        assert isinstance(change.action, ReplaceInstance)
        assert change.irreversible
        assert "not answered" in change.why

    @pytest.mark.parametrize(
        ("meta", "reason"),
        [
            (MetaObserved(OTHER_NUMBER, differing=("access token",)), Reason.WRONG_NUMBER),
            (
                MetaObserved(problem=Verdict.waiting(Reason.WRONG_CREDENTIALS, "Expired.")),
                Reason.WRONG_CREDENTIALS,
            ),
        ],
    )
    def test_nothing_is_touched_while_meta_does_not_agree(self, meta: MetaObserved, reason: Reason) -> None:
        spec = desired(**PHONE, **on_cloud_api())
        plan = plan_instance(spec, HAS_NUMBER, observed(meta))
        assert plan.changes == ()
        assert plan.verdict.reason is reason
        connection = plan_connection(spec, HAS_NUMBER, observed(meta), POLICY, NOW)
        assert connection.verdict.reason is reason

    @pytest.mark.parametrize(
        ("number", "reason"),
        [(NumberObserved(), Reason.WAITING_FOR_NUMBER), (HAS_NUMBER, Reason.REGISTER_NUMBER_AT_META)],
    )
    def test_without_an_id_the_number_is_to_be_registered(
        self, number: NumberObserved, reason: Reason
    ) -> None:
        spec = desired(**PHONE, **on_cloud_api(None))
        nothing = InstanceObserved(placement="evo", meta=MetaObserved())
        plan = plan_instance(spec, number, nothing)
        assert [change.action for change in plan.changes] == [None]
        assert plan.verdict.reason is reason

    def test_a_held_back_replacement_says_so(self) -> None:
        waits = Verdict.waiting(Reason.APPROVAL_REQUIRED, "Waits.")
        meta = MetaObserved(NUMBER, differing=("access token",), held_back=waits)
        plan = plan_instance(desired(**on_cloud_api()), NumberObserved(), observed(meta))
        assert plan.changes == ()
        assert plan.verdict is waits
