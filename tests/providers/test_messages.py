"""Error texts of outside systems, as they may stand in a status."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.providers.messages import LONGEST_MESSAGE, stable_message

PRISMA = """
Invalid `a.integrationSession.update()` invocation in
/evolution/dist/main.js:306:5103

  303 const x = {token: "abc"}
→ 306   await this.prismaRepository.instance.create(
Foreign key constraint violated on the constraint: `Setting_instanceId_fkey`"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not  allowed\n\there ", "Not allowed here"),
        (PRISMA, "Foreign key constraint violated on the constraint: `Setting_instanceId_fkey`"),
        ("Invalid `p.x()` invocation: no engine", "Invalid `p.x()` invocation: no engine"),
        (
            "TypeError: x is undefined\n    at Foo.bar (/app/main.js:3:14)\n    at async /app/main.js:1:2",
            "TypeError: x is undefined",
        ),
        ("failed in /evolution/dist/main.js:306:5103 again", "failed in <source> again"),
        ("instance 45d47710-9d10-497f-b969-c559a6d4f80b failed", "instance <id> failed"),
        ("Request RQ0123456789abcdef0123456789abcdef failed", "Request <id> failed"),
        ("no luck, request-id: 8f14e45fceea", "no luck, request-id: <id>"),
        ("down since 2026-11-22T10:46:42.880Z.", "down since <time>."),
        ("down since Tue, 03 Mar 2026 10:00:01 GMT.", "down since <time>."),
        ("object at 0x7f3a12bc40d0", "object at <id>"),
        ("\x1b[31m\x1b[49mHTTP Error\x1b[0m", "HTTP Error"),
    ],
)
def test_what_varies_or_is_noise_is_left_out(text: str, expected: str) -> None:
    assert stable_message(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "+37120000001 is not available",
        "code 21649, status 400",
        "the request was refused",
        "sku-2024-11 is gone",
    ],
)
def test_what_a_person_needs_stays(text: str) -> None:
    assert stable_message(text) == text


def test_secrets_are_removed_also_percent_encoded() -> None:
    message = stable_message("key a/b+c1 refused (?key=a%2Fb%2Bc1)", secrets=["a/b+c1", ""])
    assert message == "key *** refused (?key=***)"


def test_a_long_text_is_cut() -> None:
    message = stable_message("word " * 1000)
    assert len(message) <= LONGEST_MESSAGE
    assert message.endswith("…")


@given(st.text(max_size=1500))
def test_any_text_becomes_one_short_line(text: str) -> None:
    message = stable_message(text)
    assert len(message) <= LONGEST_MESSAGE
    assert not re.search(r"[\x00-\x1f\x7f]", message)


@given(
    st.lists(
        st.sampled_from(
            ["a", "b1 ", "\n", "2026-11-22T10:46:42Z", "at x (/a/b.js:1:2)", "/", ":", "`", "9:9:9"]
        )
    )
)
def test_the_message_of_a_message_is_the_same(pieces: list[str]) -> None:
    message = stable_message("".join(pieces))
    assert stable_message(message) == message


@given(
    st.text(max_size=300),
    st.text(alphabet="abcdefXYZ0189 /+", min_size=8, max_size=40),
    st.text(max_size=300),
)
def test_a_secret_never_comes_through(before: str, secret: str, after: str) -> None:
    assert secret not in stable_message(f"{before}{secret}{after}", secrets=[secret])


@given(st.uuids(), st.datetimes(), st.uuids(), st.datetimes())
def test_the_same_failure_gives_the_same_message(
    one: object, then: object, other: object, now: object
) -> None:
    assert stable_message(f"call {one} failed at {then}") == stable_message(f"call {other} failed at {now}")
