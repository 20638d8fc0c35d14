"""What all tests share: the choice of the API server (`--cluster`)."""

pytest_plugins = [
    "tests.controlplane.fixtures",
    "tests.crash_summary",
    "tests.recording_summary",
]
