"""Every CEL rule of our definitions, with the message and the field that a person sees."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance import bodies
from tests.conformance.api_client import GROUP, Api, Body, Objects

URL = "https://platform.example/hook"
WEBHOOK = {"route": "Webhook", "url": URL}

NO_VOICE = "spec.ai.voice needs spec.phoneNumber: without a number there are no calls"
NO_SMS = "spec.ai.sms needs spec.phoneNumber: without a number there are no SMS"
NO_WHATSAPP = "spec.ai.route needs spec.whatsapp: without an instance there are no messages"
NO_TENANT_NUMBER = "spec.whatsapp.number: Tenant needs spec.phoneNumber"
ID = "spec.business.id is immutable once set"
WEBHOOK_BLOCK = "spec.ai.webhook belongs to route Webhook; only the block of the chosen route may be given"
VOICE_URL = "spec.ai.voice.url is needed with route Webhook"
VOICE_BLOCK = "spec.ai.voice: url and fallbackURL belong to route Webhook"
SMS_URL = "spec.ai.sms.url is needed with route Webhook"
SMS_BLOCK = "spec.ai.sms: url and fallbackURL belong to route Webhook"
FORWARD = "spec.ai.voice.forwardTo is needed with route Forward, and goes with no other"
BOT_ONLY = "spec.ai: trigger and session belong to routes on which a bot answers"
KEYWORD_NEEDED = "spec.ai.trigger: operator and value are needed with type Keyword"
KEYWORD_ALONE = "spec.ai.trigger: operator and value belong to type Keyword"
MODEL_OR_ASSISTANT = "spec.ai.openAI needs either model or assistantID"
MAX_TOKENS = "spec.ai.openAI.maxTokens goes with model, which needs it"
FUNCTION_URL = "spec.ai.openAI.functionURL goes with assistantID"
COUNTRY = "spec.phoneNumber.country is immutable: the tenant has a number in another country"
TYPE = "spec.phoneNumber.type is immutable: the tenant has a number of another type"
CHANNEL = "spec.whatsapp.channel is immutable: the tenant has an instance of another channel"
NO_TWILIO = "spec.twilio is needed with type Twilio"
NO_VONAGE = "spec.vonage is needed with type Vonage"
TWILIO_ONLY = "spec.twilio goes with type Twilio only"
VONAGE_ONLY = "spec.vonage goes with type Vonage only"
PROVIDER_TYPE = "spec.type is immutable"
ACCOUNT = "spec.twilio.accountSID is immutable"
API_KEY = "spec.vonage.apiKey is immutable"
CLOUD_API_NEEDED = "spec.whatsapp.cloudAPI is needed with channel CloudAPI"
CLOUD_API_ALONE = "spec.whatsapp.cloudAPI goes with channel CloudAPI only"
TEMPLATES = "spec.whatsapp.templates go with channel CloudAPI only"
CLOUD_API_SETTINGS = "spec.whatsapp.settings: channel CloudAPI knows readMessages only; remove the others"
SELECTOR_NEEDED = "spec.allowedNamespaces.selector is needed with from Selector"
SELECTOR_ALONE = "spec.allowedNamespaces.selector goes with from Selector"


@dataclass(frozen=True, slots=True)
class Refused:
    """A tenant's spec that breaks one rule, and the nearest one that does not."""

    message: str
    field: str
    spec: Body
    accepted: Body = dataclasses.field(default_factory=dict)


NUMBER = {"phoneNumber": bodies.NUMBER}
WHATSAPP = {"whatsapp": bodies.WHATSAPP}
NONE = {"route": "None"}
KEY = {"apiKeySecretRef": {"name": "ai", "key": "key"}}
MODEL = {"model": "gpt-4.1-mini", "maxTokens": 300, **KEY}
BLOCKS: dict[str, tuple[str, Body]] = {
    "OpenAI": ("openAI", MODEL),
    "Dify": ("dify", {"botType": "ChatBot", "apiURL": URL, **KEY}),
    "Typebot": ("typebot", {"url": URL, "typebot": "menu"}),
    "Flowise": ("flowise", {"apiURL": URL}),
    "N8N": ("n8n", {"webhookURL": URL, "basicAuthSecretRef": {"name": "ai"}}),
    "EvoAI": ("evoAI", {"agentURL": URL, **KEY}),
    "EvolutionBot": ("evolutionBot", {"apiURL": URL}),
}


def block_rule(route: str) -> str:
    return f"spec.ai.{BLOCKS[route][0]} is needed with route {route}, and goes with no other"


def ai(route: str, block: Body | None = None, **more: Any) -> Body:
    """A spec whose messages go this way."""
    name, valid = BLOCKS[route]
    return {"ai": {"route": route, name: block or valid, **more}, **WHATSAPP}


def trigger(**wanted: str) -> Body:
    return ai("Dify", trigger=wanted)


KEYWORD = {"type": "Keyword", "operator": "Contains", "value": "hi"}
CLOUD_API = {"businessAccountID": "400500600", "accessTokenSecretRef": {"name": "meta", "key": "token"}}
ON_CLOUD_API = {"channel": "CloudAPI", "cloudAPI": CLOUD_API}
TEMPLATE = {
    "name": "order_ready",
    "language": "lv",
    "category": "Utility",
    "components": [{"type": "BODY", "text": "Ready"}],
}
BAILEYS_SETTINGS: Body = {
    "rejectCalls": True,
    "callMessage": "Write",
    "ignoreGroups": True,
    "alwaysOnline": True,
    "readStatus": True,
    "syncFullHistory": True,
}

REFUSED = [
    Refused(
        NO_VOICE,
        "spec",
        {"ai": {**NONE, "voice": WEBHOOK}},
        {"ai": {**NONE, "voice": NONE}},
    ),
    Refused(NO_SMS, "spec", {"ai": {**NONE, "sms": WEBHOOK}}, {"ai": {**NONE, "sms": WEBHOOK}, **NUMBER}),
    Refused(NO_WHATSAPP, "spec", {"ai": {"route": "Webhook"}}, {"ai": {"route": "Webhook"}, **WHATSAPP}),
    Refused(
        NO_TENANT_NUMBER,
        "spec",
        {"whatsapp": {**bodies.WHATSAPP, "number": "Tenant"}},
        {"whatsapp": {**bodies.WHATSAPP, "number": "Any"}},
    ),
    Refused(
        WEBHOOK_BLOCK,
        "spec.ai",
        {"ai": {**NONE, "webhook": {"url": URL}}},
        {"ai": {"route": "Webhook", "webhook": {"url": URL}}, **WHATSAPP},
    ),
    Refused(
        CLOUD_API_NEEDED, "spec.whatsapp", {"whatsapp": {"channel": "CloudAPI"}}, {"whatsapp": ON_CLOUD_API}
    ),
    Refused(CLOUD_API_ALONE, "spec.whatsapp", {"whatsapp": {**bodies.WHATSAPP, "cloudAPI": CLOUD_API}}),
    Refused(
        TEMPLATES,
        "spec.whatsapp",
        {"whatsapp": {**bodies.WHATSAPP, "templates": [TEMPLATE]}},
        {"whatsapp": {**ON_CLOUD_API, "templates": [TEMPLATE, {**TEMPLATE, "language": "en"}]}},
    ),
    *(
        Refused(
            CLOUD_API_SETTINGS,
            "spec.whatsapp",
            {"whatsapp": {**ON_CLOUD_API, "settings": {name: value}}},
            {"whatsapp": {**ON_CLOUD_API, "settings": {"readMessages": True}}},
        )
        for name, value in BAILEYS_SETTINGS.items()
    ),
    Refused(VOICE_URL, "spec.ai.voice", {"ai": {**NONE, "voice": {"route": "Webhook"}}, **NUMBER}),
    Refused(VOICE_BLOCK, "spec.ai.voice", {"ai": {**NONE, "voice": {**NONE, "url": URL}}, **NUMBER}),
    Refused(VOICE_BLOCK, "spec.ai.voice", {"ai": {**NONE, "voice": {**NONE, "fallbackURL": URL}}, **NUMBER}),
    Refused(SMS_URL, "spec.ai.sms", {"ai": {**NONE, "sms": {"route": "Webhook"}}, **NUMBER}),
    Refused(SMS_BLOCK, "spec.ai.sms", {"ai": {**NONE, "sms": {**NONE, "url": URL}}, **NUMBER}),
    *(
        Refused(block_rule(route), "spec.ai", {"ai": {"route": route}, **WHATSAPP}, ai(route))
        for route in BLOCKS
    ),
    *(
        Refused(block_rule(route), "spec.ai", {"ai": {**NONE, name: block}})
        for route, (name, block) in BLOCKS.items()
    ),
    Refused(BOT_ONLY, "spec.ai", {"ai": {**NONE, "session": {"debounce": "2s"}}}, trigger(**KEYWORD)),
    Refused(BOT_ONLY, "spec.ai", {"ai": {"route": "Webhook", "trigger": {"type": "All"}}, **WHATSAPP}),
    Refused(KEYWORD_NEEDED, "spec.ai.trigger", trigger(type="Keyword", value="hi"), trigger(type="All")),
    Refused(KEYWORD_ALONE, "spec.ai.trigger", trigger(type="All", value="hi"), trigger(**KEYWORD)),
    Refused(
        MODEL_OR_ASSISTANT,
        "spec.ai.openAI",
        ai("OpenAI", {**MODEL, "assistantID": "asst_1"}),
        ai("OpenAI", {"assistantID": "asst_1", "functionURL": URL, **KEY}),
    ),
    Refused(MODEL_OR_ASSISTANT, "spec.ai.openAI", ai("OpenAI", KEY)),
    Refused(MAX_TOKENS, "spec.ai.openAI", ai("OpenAI", {"model": "gpt-4.1-mini", **KEY}), ai("OpenAI")),
    Refused(FUNCTION_URL, "spec.ai.openAI", ai("OpenAI", {**MODEL, "functionURL": URL})),
    Refused(
        FORWARD,
        "spec.ai.voice",
        {"ai": {**NONE, "voice": {"route": "Forward"}}, **NUMBER},
        {"ai": {**NONE, "voice": {"route": "Forward", "forwardTo": "+37129999999"}}, **NUMBER},
    ),
    Refused(
        FORWARD, "spec.ai.voice", {"ai": {**NONE, "voice": {**NONE, "forwardTo": "+37129999999"}}, **NUMBER}
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.message)
def test_a_spec_that_breaks_a_rule_is_refused(api: Api, shared_namespace: str, case: Refused) -> None:
    tenants = api.tenants(shared_namespace)

    answer = tenants.create(bodies.tenant("wrong", **case.spec))

    assert answer.refusal == (
        422,
        "Invalid",
        f'BusinessTenant.{GROUP} "wrong" is invalid: {case.field}: Invalid value: {case.message}',
    )
    assert answer.causes == [("FieldValueInvalid", case.field, f"Invalid value: {case.message}")]
    tenants.create(bodies.tenant("right", **case.accepted), dryRun="All").done()


def test_all_rules_that_are_broken_are_told(api: Api, shared_namespace: str) -> None:
    spec: Body = {"ai": {"route": "Webhook", "sms": WEBHOOK}}

    answer = api.tenants(shared_namespace).create(bodies.tenant("wrong", **spec))

    assert [message for _, _, message in answer.causes] == [
        f"Invalid value: {NO_SMS}",
        f"Invalid value: {NO_WHATSAPP}",
    ]


@pytest.mark.parametrize("change", [{"id": "124"}, {"id": None}], ids=["changed", "removed"])
def test_the_business_id_stays(tenants: Objects, change: Body) -> None:
    tenants.create(bodies.tenant("cafe", business={"name": "Cafe"})).done()
    tenants.merge("cafe", {"spec": {"business": {"id": "123"}}}).done()

    answer = tenants.merge("cafe", {"spec": {"business": change}})

    assert answer.causes == [("FieldValueInvalid", "spec", f"Invalid value: {ID}")]


IMMUTABLE = {
    COUNTRY: ("phoneNumber", {"country": "EE"}),
    TYPE: ("phoneNumber", {"type": "Mobile"}),
    CHANNEL: ("whatsapp", {"channel": "Evolution"}),
}
LIVE = {"phoneNumber": bodies.NUMBER, "instance": {"name": "cafe", "server": "eu", "channel": "Baileys"}}


@pytest.fixture
def live(tenants: Objects) -> Objects:
    """A tenant that has a number and an instance."""
    tenants.create(bodies.tenant("cafe", **NUMBER, **WHATSAPP)).done()
    tenants.set_status("cafe", LIVE).done()
    return tenants


@pytest.mark.parametrize("message", IMMUTABLE)
def test_what_there_is_decides_what_may_be_wanted(live: Objects, message: str) -> None:
    block, change = IMMUTABLE[message]

    answer = live.merge("cafe", {"spec": {block: change}})

    assert answer.refusal == (
        422,
        "Invalid",
        f'BusinessTenant.{GROUP} "cafe" is invalid: <nil>: Invalid value: {message}',
    )
    assert answer.causes == [("FieldValueInvalid", "<nil>", f"Invalid value: {message}")]


@pytest.mark.parametrize("message", IMMUTABLE)
def test_removing_and_adding_is_no_way_around(live: Objects, message: str) -> None:
    block, change = IMMUTABLE[message]
    before = live.get("cafe").body["spec"][block]
    live.merge("cafe", {"spec": {block: None}}).done()

    assert message in live.merge("cafe", {"spec": {block: {**before, **change}}}).message
    live.merge("cafe", {"spec": {block: before}}).done()


@pytest.mark.parametrize("message", IMMUTABLE)
def test_what_is_not_there_yet_may_still_change(tenants: Objects, message: str) -> None:
    block, change = IMMUTABLE[message]
    tenants.create(bodies.tenant("cafe", **NUMBER, **WHATSAPP)).done()

    tenants.merge("cafe", {"spec": {block: change}}).done()


VONAGE = {"credentialsSecretRef": {"name": "vonage"}}
IS_VONAGE = {"type": "Vonage", "twilio": None, "vonage": VONAGE}


@pytest.mark.parametrize(
    ("message", "spec"),
    [
        (NO_TWILIO, {"twilio": None}),
        (NO_VONAGE, {**IS_VONAGE, "vonage": None}),
        (VONAGE_ONLY, {"vonage": VONAGE}),
        (TWILIO_ONLY, {"type": "Vonage", "vonage": VONAGE}),
    ],
)
def test_a_provider_names_its_account(providers: Objects, message: str, spec: Body) -> None:
    answer = providers.create(bodies.provider("wrong", **spec))

    assert answer.refusal == (
        422,
        "Invalid",
        f'PhoneProvider.{GROUP} "wrong" is invalid: spec: Invalid value: {message}',
    )


@pytest.mark.parametrize(
    ("message", "allowed"),
    [(SELECTOR_NEEDED, {"from": "Selector"}), (SELECTOR_ALONE, {"from": "All", "selector": {}})],
)
def test_a_selector_of_namespaces_goes_with_its_word(
    providers: Objects, name: str, message: str, allowed: Body
) -> None:
    answer = providers.create(bodies.provider("wrong", allowedNamespaces=allowed))

    assert answer.refusal == (
        422,
        "Invalid",
        f'PhoneProvider.{GROUP} "wrong" is invalid: spec.allowedNamespaces: Invalid value: {message}',
    )
    labels = {"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}
    providers.create(bodies.provider(name, allowedNamespaces=labels)).done()
    providers.delete(name).done()


def test_the_type_and_the_key_of_a_provider_stay(providers: Objects, name: str) -> None:
    providers.create(bodies.provider(name, **IS_VONAGE)).done()
    providers.merge(name, {"spec": {"vonage": {"apiKey": "1a2345b7"}}}).done()

    other_key = providers.merge(name, {"spec": {"vonage": {"apiKey": "9z8765y3"}}})
    other_type = providers.merge(name, {"spec": bodies.provider(name)["spec"] | {"vonage": None}})

    assert other_key.causes == [
        ("FieldValueInvalid", "spec.vonage.apiKey", f'Invalid value: "9z8765y3": {API_KEY}')
    ]
    assert other_type.causes == [
        ("FieldValueInvalid", "spec.type", f'Invalid value: "Twilio": {PROVIDER_TYPE}')
    ]
    providers.delete(name).done()


def test_the_account_of_a_provider_stays(providers: Objects, name: str) -> None:
    providers.create(bodies.provider(name)).done()
    other = "AC" + "1" * 32

    answer = providers.merge(name, {"spec": {"twilio": {"accountSID": other}}})

    assert answer.causes == [
        ("FieldValueInvalid", "spec.twilio.accountSID", f'Invalid value: "{other}": {ACCOUNT}')
    ]
    providers.merge(name, {"spec": {"priority": 5}}).done()
    providers.delete(name).done()


def rules(schema: Body) -> Iterator[str]:
    """The messages of all rules in a schema."""
    yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", ()))
    for below in schema.get("properties", {}).values():
        yield from rules(below)
    if isinstance(items := schema.get("items"), dict):
        yield from rules(items)


def test_no_rule_is_left_out() -> None:
    written = {
        message
        for definition in bodies.definitions()
        for version in definition["spec"]["versions"]
        for message in rules(version["schema"]["openAPIV3Schema"])
    }

    of_providers = {NO_TWILIO, NO_VONAGE, TWILIO_ONLY, VONAGE_ONLY, PROVIDER_TYPE, ACCOUNT, API_KEY}
    of_namespaces = {SELECTOR_NEEDED, SELECTOR_ALONE}
    known = {case.message for case in REFUSED} | IMMUTABLE.keys() | {ID} | of_providers | of_namespaces
    assert known == written
