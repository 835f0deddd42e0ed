"""The page of all resources agrees with the clients' tables."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_resources_is_current() -> None:
    generated = runpy.run_path(str(DOCS / "generate_resources.py"))["page"]()
    assert (DOCS / "resources.md").read_text() == generated, "run: python docs/generate_resources.py"


def test_the_page_names_every_resource_of_every_api() -> None:
    from airflow_provider_partners.api import shopify_admin, shopify_partner, voucherify, yofi, yotpo

    sections = (DOCS / "resources.md").read_text().split("\n## ")[1:]
    partners = {"Yofi": yofi, "Shopify Partner": shopify_partner, "Shopify Admin": shopify_admin}
    partners |= {"Voucherify": voucherify, "Yotpo": yotpo}
    section_by_partner = {section.partition("\n")[0]: section for section in sections}
    assert set(section_by_partner) == set(partners)
    for partner, module in partners.items():
        assert [name for name in module.RESOURCES if section_by_partner[partner].count(f"\n| `{name}` |") == 0] == []
