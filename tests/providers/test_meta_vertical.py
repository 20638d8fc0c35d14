"""Which of Meta's industries a category of the platform is."""

import re
from pathlib import Path

import pytest
import yaml

from controller.providers.meta.vertical import Vertical, vertical_of

SAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "samples"


@pytest.mark.parametrize(
    ("category", "vertical"),
    [
        ("food_hospitality", Vertical.RESTAURANT),
        ("retail_shopping", Vertical.RETAIL),
        ("professional_services", Vertical.PROF_SERVICES),
        ("prof_services", Vertical.PROF_SERVICES),
        ("auto", Vertical.AUTO),
        ("undefined", Vertical.OTHER),
        ("not_a_biz", Vertical.OTHER),
        ("beekeeping", Vertical.OTHER),
        ("", None),
        (None, None),
    ],
)
def test_the_industry_of_a_category(category: str | None, vertical: Vertical | None) -> None:
    assert vertical_of(category) is vertical


def test_every_category_of_the_samples_is_known() -> None:
    documents = [
        document
        for path in sorted(SAMPLES.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
    categories = {
        document["spec"]["business"]["category"]
        for document in documents
        if document and "category" in document.get("spec", {}).get("business", {})
    }
    assert len(categories) >= 3
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", category) for category in categories)
    assert Vertical.OTHER not in {vertical_of(category) for category in categories}
