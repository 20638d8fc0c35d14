"""A WhatsApp number at Meta: what is asked of it. Against the sandbox's Graph API over HTTP."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiohttp import web

from controller.api.conditions import Reason
from controller.providers.errors import Conflict, NotFound, OutsideError, Retryable, Terminal, Unauthorized
from controller.providers.meta import client as meta
from controller.providers.meta.client import MetaClient
from controller.providers.meta.protocol import (
    BusinessProfile,
    CodeVerification,
    Component,
    MetaPhoneNumber,
    NewTemplate,
    PhoneNumberStatus,
    Quality,
    Template,
    TemplateCategory,
    TemplateStatus,
)
from controller.providers.meta.vertical import Vertical
from controller.sandbox.fakes.graph import Account, GraphFake, Pace
from tests.providers.conftest import ManualTime, Sandbox, Serve, eventually, generous_limiter

if TYPE_CHECKING:
    from controller.providers.transport import RequestOutcome

NUMBER_ID: Final = "100200300"
ACCOUNT: Final = "400500600"
TOKEN: Final = "EAAG-token-of-the-bakery"
OTHER: Final = Account("400500601", "EAAG-token-of-others", {"100200301": "+37120000009"})
READY: Final[list[Component]] = [
    {"type": "BODY", "text": "Your order {{1}} is ready", "example": {"body_text": [["42"]]}},
    {"type": "FOOTER", "text": "Sunrise Bakery"},
]
CLOSED: Final[list[Component]] = [{"type": "BODY", "text": "We are closed today"}]


class Calendar:
    """The fake's clock."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def sandbox(calendar: Calendar) -> AsyncIterator[Sandbox]:
    fake = GraphFake(
        accounts=[Account(ACCOUNT, TOKEN, {NUMBER_ID: "+37120000001"}), OTHER],
        manual_review=True,
        now=lambda: calendar.now,
    )
    sandbox = Sandbox(await fake.start())
    yield sandbox
    await sandbox.http.aclose()
    await fake.stop()


def account_at(url: str, **more: Any) -> MetaClient:
    ids = {"phone_number_id": NUMBER_ID, "business_account_id": ACCOUNT, "access_token": TOKEN}
    return MetaClient(**{"base_url": url, **ids, "limiter": generous_limiter(), **more})


@pytest.fixture
async def account(sandbox: Sandbox) -> AsyncIterator[MetaClient]:
    account = account_at(sandbox.url)
    yield account
    await account.close()


def new(name: str = "order_ready", **more: Any) -> NewTemplate:
    wanted = {"language": "en_US", "category": TemplateCategory.UTILITY, "components": READY}
    return NewTemplate(**{"name": name, **wanted, **more})


async def approved(account: MetaClient, sandbox: Sandbox, wanted: NewTemplate) -> str:
    created = await account.create_template(wanted)
    await sandbox.tell(f"templates/{created.id}/approve", {})
    return created.id


class TestPhoneNumber:
    async def test_it_tells_its_number_and_how_it_stands(self, account: MetaClient, sandbox: Sandbox) -> None:
        told = {"verified_name": "Sunrise Bakery", "quality_rating": "YELLOW", "status": "FLAGGED"}
        await sandbox.tell(f"numbers/{NUMBER_ID}", told)
        assert await account.phone_number() == MetaPhoneNumber(
            id=NUMBER_ID,
            number="+37120000001",
            verified_name="Sunrise Bakery",
            quality=Quality.YELLOW,
            code_verification=CodeVerification.VERIFIED,
            status=PhoneNumberStatus.FLAGGED,
        )

    async def test_words_that_meta_invents_are_unknown(self, account: MetaClient, sandbox: Sandbox) -> None:
        told = {"quality_rating": "NA", "status": "ASLEEP", "code_verification_status": "LATER"}
        await sandbox.tell(f"numbers/{NUMBER_ID}", told)
        number = await account.phone_number()
        assert (number.quality, number.status) == (Quality.UNKNOWN, PhoneNumberStatus.UNKNOWN)
        assert number.code_verification is CodeVerification.UNKNOWN

    @pytest.mark.parametrize("id_", ["999", "100200301"])
    async def test_an_id_that_is_unknown_or_of_others(self, sandbox: Sandbox, id_: str) -> None:
        account = account_at(sandbox.url, phone_number_id=id_)
        for ask in (account.phone_number, account.profile, lambda: account.set_profile(PROFILE)):
            with pytest.raises(NotFound, match=f"no phone number with id {id_}.*phoneNumberID") as refusal:
                await ask()
            assert refusal.value.reason is Reason.REFUSED
        await account.close()

    async def test_a_number_that_is_none_is_not_understood(
        self, account: MetaClient, sandbox: Sandbox
    ) -> None:
        await sandbox.tell(f"numbers/{NUMBER_ID}", {"display_phone_number": "soon"})
        with pytest.raises(Retryable, match="cannot be understood"):
            await account.phone_number()


PROFILE: Final = BusinessProfile(
    about="Open every day 7-22",
    description="Best bread in Riga",
    address="Brivibas 1, Riga",
    email="hello@sunrise.example",
    websites=("https://sunrise.example", "https://sunrise.example/menu"),
    vertical=Vertical.RESTAURANT,
)


class TestProfile:
    async def test_it_is_written_whole_and_read_back(self, account: MetaClient) -> None:
        await account.set_profile(PROFILE)
        actual = await account.profile()
        assert PROFILE.is_met_by(actual)
        assert (actual.about, actual.vertical) == ("Open every day 7-22", Vertical.RESTAURANT)

    async def test_what_is_left_out_stays_and_what_is_empty_is_cleared(self, account: MetaClient) -> None:
        await account.set_profile(PROFILE)
        wanted = BusinessProfile(about="Closed today", address="", websites=())
        assert not wanted.is_met_by(await account.profile())
        await account.set_profile(wanted)
        actual = await account.profile()
        assert (actual.about, actual.address, actual.websites) == ("Closed today", "", ())
        assert (actual.description, actual.email) == (PROFILE.description, PROFILE.email)
        assert wanted.is_met_by(actual)

    async def test_a_fresh_profile_has_no_unknown_fields(self, account: MetaClient) -> None:
        actual = await account.profile()
        assert (actual.description, actual.websites, actual.vertical) == ("", (), Vertical.UNDEFINED)
        assert not PROFILE.is_met_by(actual)

    async def test_nothing_to_write_is_not_sent(self, account: MetaClient, sandbox: Sandbox) -> None:
        await account.set_profile(BusinessProfile())
        assert await sandbox.requests("POST", "whatsapp_business_profile") == 0

    @pytest.mark.parametrize(
        ("profile", "field"),
        [
            (BusinessProfile(about="x" * 140), "about"),
            (BusinessProfile(about=""), "about"),
            (BusinessProfile(description="x" * 513), "description"),
            (BusinessProfile(address="x" * 257), "address"),
            (BusinessProfile(email="x@" + "y" * 127), "email"),
            (BusinessProfile(websites=("https://a.example",) * 3), "websites"),
            (BusinessProfile(websites=("https://a.example/" + "x" * 239,)), "websites"),
        ],
    )
    async def test_what_whatsapp_would_not_take_is_not_sent(
        self, account: MetaClient, sandbox: Sandbox, profile: BusinessProfile, field: str
    ) -> None:
        with pytest.raises(Terminal, match=f"spec.business.{field}: WhatsApp takes") as refusal:
            await account.set_profile(profile)
        assert refusal.value.reason is Reason.INVALID_SPEC
        assert await sandbox.requests("POST", "whatsapp_business_profile") == 0

    async def test_what_meta_refuses_is_told_in_its_words(self, account: MetaClient) -> None:
        with pytest.raises(Terminal) as refusal:
            await account.set_profile(BusinessProfile(email="nobody"))
        assert refusal.value.message == (
            "Meta refuses POST /{phone_number_id}/whatsapp_business_profile:"
            " Param email must be a valid email address (code 100)"
        )
        assert refusal.value.reason is Reason.REFUSED


class TestTemplates:
    async def test_a_new_one_is_reviewed(self, account: MetaClient, sandbox: Sandbox) -> None:
        created = await account.create_template(new())
        assert created.status is TemplateStatus.PENDING
        assert await account.templates() == [
            Template(
                id=created.id,
                name="order_ready",
                language="en_US",
                status=TemplateStatus.PENDING,
                category=TemplateCategory.UTILITY,
                components=tuple(READY),
            )
        ]
        await sandbox.tell(f"templates/{created.id}/reject", {"reason": "INVALID_FORMAT"})
        (template,) = await account.templates()
        assert (template.status, template.rejected_reason) == (TemplateStatus.REJECTED, "INVALID_FORMAT")
        await sandbox.tell(f"templates/{created.id}", {"quality": "RED", "category": "MARKETING"})
        (template,) = await account.templates()
        assert (template.quality, template.category) == (Quality.RED, TemplateCategory.MARKETING)

    async def test_all_pages_are_read(
        self, account: MetaClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(meta, "_PAGE_SIZE", 2)
        for index in range(5):
            await account.create_template(new(f"t{index}"))
        listed = await account.templates()
        assert [template.name for template in listed] == ["t4", "t3", "t2", "t1", "t0"]
        assert await sandbox.requests("GET", "message_templates") == 3

    async def test_an_error_on_a_later_page_is_an_error_of_the_whole(
        self, account: MetaClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(meta, "_PAGE_SIZE", 1)
        for index in range(3):
            await account.create_template(new(f"t{index}"))
        await sandbox.order("GET /*/*/message_templates", "delay:0s", times=2)
        await sandbox.order("GET /*/*/message_templates", "status:500")
        with pytest.raises(Retryable):
            await account.templates()

    async def test_a_list_without_end_is_no_list(
        self, account: MetaClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(meta, "_MOST_PAGES", 3)
        body = {"data": [], "paging": {"cursors": {"after": "QVFI"}, "next": "https://graph.example/"}}
        await sandbox.order("GET /*/*/message_templates", "status:200", body=body)
        with pytest.raises(Retryable, match="without end"):
            await account.templates()
        assert await sandbox.requests("GET", "message_templates") == 3

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"data": [{"id": "1"}]},
            {"data": [], "paging": {"next": "https://graph.example/"}},
            "secret-of-an-answer",
        ],
    )
    async def test_a_list_that_cannot_be_read_whole_is_no_list(
        self, account: MetaClient, sandbox: Sandbox, body: object
    ) -> None:
        await sandbox.order("GET /*/*/message_templates", "status:200", body=body)
        with pytest.raises(Retryable, match="cannot be understood") as failure:
            await account.templates()
        assert failure.value.__cause__ is None
        assert "secret-of-an-answer" not in failure.value.message

    async def test_others_templates_are_not_seen(self, account: MetaClient, sandbox: Sandbox) -> None:
        await sandbox.tell("templates", {"account": OTHER.id, "name": "theirs"})
        assert await account.templates() == []

    async def test_name_and_language_are_taken_once(self, account: MetaClient) -> None:
        await account.create_template(new())
        with pytest.raises(Conflict, match="already exists") as refusal:
            await account.create_template(new())
        assert refusal.value.reason is Reason.NAME_TAKEN
        await account.create_template(new(language="lv"))
        assert {template.language for template in await account.templates()} == {"en_US", "lv"}

    async def test_one_language_of_a_name_is_deleted(self, account: MetaClient) -> None:
        english = await account.create_template(new())
        await account.create_template(new(language="lv"))
        await account.delete_template("order_ready", english.id)
        assert [template.language for template in await account.templates()] == ["lv"]
        await account.delete_template("order_ready", english.id)

    async def test_without_an_id_all_languages_would_go(self, account: MetaClient, sandbox: Sandbox) -> None:
        with pytest.raises(ValueError, match="id"):
            await account.delete_template("order_ready", "")
        assert await sandbox.requests("DELETE", "") == 0

    async def test_a_deletion_in_an_unknown_account_is_no_success(self, sandbox: Sandbox) -> None:
        account = account_at(sandbox.url, business_account_id=OTHER.id)
        with pytest.raises(NotFound, match=f"no business account with id {OTHER.id}.*businessAccountID"):
            await account.delete_template("order_ready", "1")
        with pytest.raises(NotFound, match="no business account"):
            await account.templates()
        with pytest.raises(NotFound, match="no business account"):
            await account.create_template(new())
        await account.close()

    async def test_the_name_of_a_deleted_one_becomes_free_again(
        self, account: MetaClient, sandbox: Sandbox, calendar: Calendar
    ) -> None:
        id_ = await approved(account, sandbox, new())
        await account.delete_template("order_ready", id_)
        with pytest.raises(Retryable, match="being deleted") as refusal:
            await account.create_template(new())
        assert not refusal.value.outcome_unknown
        calendar.now += timedelta(days=30)
        await account.create_template(new())

    async def test_an_edit_replaces_all_components_and_is_reviewed(
        self, account: MetaClient, sandbox: Sandbox
    ) -> None:
        id_ = await approved(account, sandbox, new())
        await account.edit_template(id_, components=CLOSED)
        (template,) = await account.templates()
        assert (list(template.components), template.status) == (CLOSED, TemplateStatus.PENDING)

    async def test_an_edit_of_a_rejected_one_may_change_its_category(
        self, account: MetaClient, sandbox: Sandbox
    ) -> None:
        created = await account.create_template(new())
        await sandbox.tell(f"templates/{created.id}/reject", {})
        await account.edit_template(created.id, components=CLOSED, category=TemplateCategory.MARKETING)
        (template,) = await account.templates()
        assert template.category is TemplateCategory.MARKETING

    async def test_meta_says_what_cannot_be_edited(self, account: MetaClient) -> None:
        created = await account.create_template(new())
        with pytest.raises(Terminal, match="Only approved, rejected or paused"):
            await account.edit_template(created.id, components=CLOSED)
        with pytest.raises(NotFound):
            await account.edit_template("12345", components=CLOSED)

    async def test_components_that_meta_refuses(self, account: MetaClient) -> None:
        without_example = [{"type": "BODY", "text": "Your order {{1}} is ready"}]
        with pytest.raises(Terminal) as refusal:
            await account.create_template(new(components=without_example))
        assert "component of type BODY is missing expected field(s) (example)" in refusal.value.message
        assert refusal.value.reason is Reason.REFUSED

    async def test_a_review_takes_its_time(self) -> None:
        fake = GraphFake(accounts=[Account(ACCOUNT, TOKEN, {})], pace=Pace(review=0.05))
        account = account_at(await fake.start())
        await account.create_template(new())
        await account.create_template(new("lucky", components=[{"type": "BODY", "text": "Our CASINO"}]))

        async def reviewed() -> bool:
            states = {template.name: template.status for template in await account.templates()}
            return states == {"order_ready": TemplateStatus.APPROVED, "lucky": TemplateStatus.REJECTED}

        await eventually(reviewed)
        await account.close()
        await fake.stop()


class TestFailures:
    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("expired", "it has expired"),
            ("revoked", "the password was changed"),
            ("without-permission", "whatsapp_business_management"),
        ],
    )
    async def test_a_token_that_meta_refuses(
        self, account: MetaClient, sandbox: Sandbox, calendar: Calendar, state: str, said: str
    ) -> None:
        await sandbox.tell("tokens", {"token": TOKEN, "state": state})
        messages = set()
        for ask in (account.phone_number, account.phone_number):
            with pytest.raises(Unauthorized, match=said) as refusal:
                await ask()
            assert refusal.value.reason is Reason.WRONG_CREDENTIALS
            messages.add(refusal.value.message)
            calendar.now += timedelta(hours=1)
        assert len(messages) == 1

    async def test_a_wrong_token(self, sandbox: Sandbox) -> None:
        account = account_at(sandbox.url, access_token="EAAG-wrong")
        with pytest.raises(Unauthorized, match="Put a new one into the Secret") as refusal:
            await account.templates()
        assert "EAAG-wrong" not in refusal.value.message
        await account.close()

    @pytest.mark.parametrize(
        ("fault", "doubtful"),
        [
            ("drop-before", True),
            ("drop-after", True),
            ("status:500", True),
            ("status:503", True),
            ("status:429", False),
        ],
    )
    async def test_a_create_is_sent_exactly_once_whatever_happens(
        self, account: MetaClient, sandbox: Sandbox, *, fault: str, doubtful: bool
    ) -> None:
        await sandbox.order("POST /*/*/message_templates", fault)
        with pytest.raises(Retryable) as failure:
            await account.create_template(new())
        assert failure.value.outcome_unknown is doubtful
        assert failure.value.reason is Reason.META_UNAVAILABLE
        assert await sandbox.requests("POST", "message_templates") == 1

    async def test_a_change_that_meta_says_was_not_made(self, account: MetaClient, sandbox: Sandbox) -> None:
        await sandbox.order("POST /*/*/whatsapp_business_profile", "status:200", body={"success": False})
        with pytest.raises(Retryable) as failure:
            await account.set_profile(PROFILE)
        assert failure.value.outcome_unknown

    @pytest.mark.parametrize("body", ["done", {}])
    async def test_a_change_whose_answer_cannot_be_read_is_in_doubt(
        self, account: MetaClient, sandbox: Sandbox, body: object
    ) -> None:
        for method in ("POST", "DELETE"):
            await sandbox.order(f"{method} /**", "status:200", body=body)
        for change in (
            account.set_profile(PROFILE),
            account.create_template(new()),
            account.edit_template("1", components=CLOSED),
            account.delete_template("order_ready", "1"),
        ):
            with pytest.raises(Retryable, match="cannot be understood") as failure:
                await change
            assert failure.value.outcome_unknown

    @pytest.mark.parametrize("body", ["<html>404</html>", {"message": "no Route matched"}])
    async def test_a_gateways_404_does_not_say_that_something_is_gone(
        self, account: MetaClient, sandbox: Sandbox, body: object
    ) -> None:
        await sandbox.order("* /**", "status:404", body=body)
        with pytest.raises(Retryable):
            await account.phone_number()
        with pytest.raises(Retryable):
            await account.delete_template("order_ready", "1")

    async def test_the_token_is_sent_in_a_header_only_and_never_shown(
        self, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level(logging.DEBUG)
        monkeypatch.setattr(meta, "_PAGE_SIZE", 1)
        outcomes: list[RequestOutcome] = []
        account = account_at(sandbox.url, observer=outcomes.append)
        for name in ("one", "two"):
            await account.create_template(new(name))
        templates = await account.templates()
        error = {"message": f"Malformed access token {TOKEN}", "code": 100}
        await sandbox.order("POST /*/*/whatsapp_business_profile", "status:400", body={"error": error})
        with pytest.raises(OutsideError) as refusal:
            await account.set_profile(PROFILE)
        shown = [caplog.text, str(refusal.value), repr(account), repr(templates), repr(outcomes)]
        assert all(TOKEN not in text and "Your order" not in text for text in shown)
        assert await sandbox.requests("GET", "access_token") == 0
        assert {outcome.operation for outcome in outcomes} == {
            "POST /{business_account_id}/message_templates",
            "GET /{business_account_id}/message_templates",
            "POST /{phone_number_id}/whatsapp_business_profile",
        }
        await account.close()

    async def test_ids_are_encoded_and_the_version_is_a_parameter(self, serve: Serve) -> None:
        asked: list[str] = []

        async def handler(request: web.Request) -> web.StreamResponse:
            asked.append(request.raw_path.partition("?")[0])
            assert request.headers["Authorization"] == f"Bearer {TOKEN}"
            return web.json_response({"id": "1", "display_phone_number": "37120000001"})

        account = account_at(f"{await serve(handler)}/meta/", version="v99.0", phone_number_id="../me?x")
        assert (await account.phone_number()).number == "+37120000001"
        assert asked == ["/meta/v99.0/..%2Fme%3Fx"]
        await account.close()

    async def test_a_limit_pauses_as_long_as_meta_asks(self, sandbox: Sandbox, time: ManualTime) -> None:
        limiter = generous_limiter(time.clock)
        account = account_at(sandbox.url, limiter=limiter)
        await sandbox.order("GET /**", "status:429", times=1, headers={"Retry-After": "90"})
        for _ in range(2):
            with pytest.raises(Retryable) as failure:
                await account.templates()
            assert failure.value.after == 90
        assert await sandbox.requests("GET", "message_templates") == 1
        time.pass_by(90)
        assert await account.templates() == []
        await account.close()

    @pytest.mark.parametrize("missing", ["phone_number_id", "business_account_id", "access_token"])
    def test_ids_and_token_are_needed(self, missing: str) -> None:
        with pytest.raises(ValueError, match="two ids and an access token"):
            account_at("http://127.0.0.1:1", **{missing: ""})
