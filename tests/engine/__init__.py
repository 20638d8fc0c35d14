import pytest

pytest.register_assert_rewrite("tests.engine.world", "tests.engine.wire")
