import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from controller.runtime.structured_logs import LogFormat, LogLevel, configure_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs go; afterwards logging is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_logfmt_is_one_line_an_event(stream: io.StringIO) -> None:
    configure_logs(LogFormat.LOGFMT, LogLevel.INFO, stream=stream)
    structlog.get_logger("controller.test").info("Bought a number.", tenant="acme/shop", attempt=2)
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("timestamp=2")
    assert 'level=info event="Bought a number." logger=controller.test' in line
    assert "tenant=acme/shop" in line
    assert "attempt=2" in line


def test_json_carries_what_was_bound_to_the_context(stream: io.StringIO) -> None:
    configure_logs(LogFormat.JSON, LogLevel.INFO, stream=stream)
    with structlog.contextvars.bound_contextvars(tenant="acme/shop"):
        structlog.get_logger("controller.test").warning("The provider is slow.")
    entry = orjson.loads(stream.getvalue())
    assert (entry["event"], entry["level"], entry["tenant"]) == (
        "The provider is slow.",
        "warning",
        "acme/shop",
    )


def test_libraries_log_in_the_same_form(stream: io.StringIO) -> None:
    configure_logs(LogFormat.JSON, LogLevel.INFO, stream=stream)
    logging.getLogger("kopf.activities").info("Started %s.", "up")
    assert orjson.loads(stream.getvalue())["event"] == "Started up."


@pytest.mark.parametrize("name", ["kopf.objects", "httpx", "aiohttp.access"])
def test_loggers_that_tell_of_every_object_are_quiet(stream: io.StringIO, name: str) -> None:
    configure_logs(LogFormat.LOGFMT, LogLevel.DEBUG, stream=stream)
    logging.getLogger(name).info("Handler succeeded.")
    assert not stream.getvalue()
    logging.getLogger(name).warning("Handler failed.")
    assert "Handler failed." in stream.getvalue()


def test_what_is_below_the_level_is_left_out(stream: io.StringIO) -> None:
    configure_logs(LogFormat.LOGFMT, LogLevel.WARNING, stream=stream)
    structlog.get_logger("controller.test").info("Nothing special.")
    logging.getLogger("kopf.activities").info("Nothing special.")
    assert not stream.getvalue()


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_tracebacks_do_not_show_values_of_variables(stream: io.StringIO, log_format: LogFormat) -> None:
    configure_logs(log_format, LogLevel.INFO, stream=stream)

    def fail(token: str) -> None:
        raise RuntimeError("no luck")

    try:
        fail(str(0x5EC2E7))
    except RuntimeError:
        structlog.get_logger("controller.test").exception("It failed.")
    assert "RuntimeError: no luck" in stream.getvalue()
    assert str(0x5EC2E7) not in stream.getvalue()
