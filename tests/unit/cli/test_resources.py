"""The table of lists."""

from __future__ import annotations

from airflow_provider_partners.api import shopify_admin, shopify_partner, voucherify, yofi, yotpo


def test_all_lists_of_all_partners_are_there(command):
    printed = command("resources", "--json")
    assert printed.code == 0
    assert sorted(row["resource"] for row in printed.document["resources"]) == sorted(
        f"{partner.__name__.rpartition('.')[2]}.{name}"
        for partner in (shopify_admin, shopify_partner, voucherify, yofi, yotpo)
        for name in partner.RESOURCES
    )


def test_a_text_and_a_partner_choose_some(command):
    printed = command("resources", "ORDER", "--partner", "yotpo", "--json")
    assert {row["resource"] for row in printed.document["resources"]} == {"yotpo.orders", "yotpo.fulfillments"}


def test_the_table_has_one_line_for_each_without_a_terminal(command):
    lines = command("resources", "--partner", "yofi").out.splitlines()
    assert lines[0].split() == ["resource", "what", "it", "is", "key", "time", "needs"]
    assert len(lines) == 1 + len(yofi.RESOURCES)
    assert "\x1b" not in "".join(lines)


def test_nothing_found_is_an_exit_code_of_its_own(command):
    printed = command("resources", "nosuchlist")
    assert printed.code == 1
    assert "nosuchlist" in printed.out
