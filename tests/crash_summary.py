"""How many deaths of a process the run looked at, said at its end.

A plugin of the whole run: with several workers only what the top loads sees all reports.
"""

import pytest

CRASHES = "crashes survived"
"""Property of a test: how many deaths of a process it looked at."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many crashes were survived."""
    reports = terminalreporter.getreports("passed")
    cells = [value for report in reports for name, value in report.user_properties if name == CRASHES]
    if cells:
        terminalreporter.write_line(f"crash matrix: {sum(cells)} cells")
