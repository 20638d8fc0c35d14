"""How many recorded exchanges of a real Evolution the fake and the client were held against, said at the end.

A plugin of the whole run: with several workers only what the top loads sees all reports.
"""

import pytest

REPLAYED = "recording replayed"
"""Property of a test: the name of a recording whose answer it found to be the same."""
LEFT_OUT = "recordings left out"
"""Property of a test: why recordings are not replayed, and how many, as `(reason, count)`."""
DRIVEN = "recorded exchange driven"
"""Property of a test: the name of a recording that it drove the client over."""
TOTAL = "recordings"
"""Property of a test: how many recordings there are."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many recordings were replayed and why the others were not."""
    properties = [
        found for report in terminalreporter.getreports("passed") for found in report.user_properties
    ]
    replayed = {value for name, value in properties if name == REPLAYED}
    reasons = [value for name, value in properties if name == LEFT_OUT]
    totals = [value for name, value in properties if name == TOTAL]
    if totals:
        why = ", ".join(f"{reason} ({count})" for reason, count in reasons)
        left_out = sum(count for _, count in reasons)
        terminalreporter.write_line(
            f"Evolution recordings: {len(replayed)} of {totals[0]} replayed, {left_out} left out: {why}"
        )
    driven = {value for name, value in properties if name == DRIVEN}
    if driven:
        terminalreporter.write_line(f"Evolution client: driven over {len(driven)} recorded exchanges")
