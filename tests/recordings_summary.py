"""Over how many recorded exchanges of a real server a client was driven, said at the end of the run.

A plugin of the whole run, as the crash summary is.
"""

import pytest

DRIVEN = "recorded exchange driven"
"""Property of a test: the exchange that it drove a client over."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many exchanges there were."""
    reports = terminalreporter.getreports("passed")
    driven = {value for report in reports for name, value in report.user_properties if name == DRIVEN}
    if driven:
        terminalreporter.write_line(f"Evolution client: driven over {len(driven)} recorded exchanges")
