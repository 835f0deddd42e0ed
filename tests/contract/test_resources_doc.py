"""The page of all resources is the one that the clients' declarations give."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_resources_is_up_to_date() -> None:
    made = runpy.run_path(str(DOCS / "generate_resources.py"))["page"]()
    kept = (DOCS / "resources.md").read_text()
    assert kept == made, "a declaration has changed: run python docs/generate_resources.py"


def test_the_page_names_every_resource_of_every_api() -> None:
    from airflow_provider_partners.api.shopify_admin import client as shopify_admin
    from airflow_provider_partners.api.shopify_partner import client as shopify_partner
    from airflow_provider_partners.api.voucherify import client as voucherify
    from airflow_provider_partners.api.yofi import client as yofi
    from airflow_provider_partners.api.yotpo import client as yotpo

    sections = (DOCS / "resources.md").read_text().split("\n## ")[1:]
    partners = {"Yofi": yofi, "Shopify Partner": shopify_partner, "Shopify Admin": shopify_admin}
    partners |= {"Voucherify": voucherify, "Yotpo": yotpo}
    found = {section.partition("\n")[0]: section for section in sections}
    assert set(found) == set(partners)
    for partner, module in partners.items():
        assert [name for name in module.RESOURCES if found[partner].count(f"\n| `{name}` |") == 0] == []
