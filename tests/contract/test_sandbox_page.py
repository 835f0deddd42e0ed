"""The sandbox's page in a browser: rendered, clicked through, at a phone's width, in light and dark.

It needs a Chromium on the path, and is skipped only where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from browser import Page, find_chromium, open_browser
from sandbox import run_sandbox, yotpo_client

from airflow_provider_partners.sandbox.server import RunningSandbox

SHOP = "aurora-apparel.myshopify.com"
HOSTILE = "<img src=x onerror=alert(1)>"
LIVE = "document.getElementById('connection').textContent === 'live' && document.querySelectorAll('.card').length > 0"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=12) as running:
        with yotpo_client(running) as client:
            client.create_product({"external_id": "p1", "name": "Shirt", "url": "https://shop.example/p1"})
            client.create_order({
                "external_id": "1",
                "order_name": HOSTILE,
                "order_date": "2026-11-01T00:00:00Z",
                "customer": {"external_id": "1", "email": "a@shop.example"},
                "line_items": [{"external_product_id": "p1", "quantity": 1}],
            })
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium")
    with open_browser(program) as page:
        yield page


@pytest.fixture
def page(running: RunningSandbox, browser: Page) -> Iterator[Page]:
    browser.errors.clear()
    browser.resize(1280, 900)
    browser.prefer("light")
    browser.open(running.url)
    browser.wait(LIVE)
    yield browser
    running.faults.clear()
    assert browser.errors == []


def text(page: Page, selector: str) -> str:
    return str(page.run(f"document.querySelector({selector!r}).textContent"))


def enter(page: Page, selector: str, value: str, event: str) -> None:
    change = f"e.value = {value!r}; e.dispatchEvent(new Event({event!r}))"
    page.run(f"(e => {{ {change} }})(document.querySelector({selector!r}))")


def test_it_shows_what_each_store_has_and_the_last_calls(running: RunningSandbox, page: Page) -> None:
    card = text(page, "article[aria-label='Aurora Apparel']")
    assert "1 of Shopify\u2019s 12" in card
    assert SHOP in card
    assert page.run("document.querySelectorAll('#calls tr').length") == len(running.call_log.latest())
    assert "POST orders.create" in text(page, "#calls")
    assert "yotpo.rate_limit" in text(page, "#switches")


def test_texts_of_records_are_no_html(page: Page) -> None:
    assert HOSTILE in text(page, "#shops")
    assert page.run("document.querySelectorAll('#shops img').length") == 0


def test_it_follows_what_happens_by_itself(running: RunningSandbox, page: Page) -> None:
    before = page.run("document.querySelectorAll('#calls tr').length")
    httpx.get(f"{running.url}/voucherify/v1/campaigns")
    page.wait(f"document.querySelectorAll('#calls tr').length === {before + 1}")
    assert "/voucherify/v1/campaigns" in text(page, "#calls tr")


def test_a_shop_is_changed_by_a_click(running: RunningSandbox, page: Page) -> None:
    store = running.sandbox.store
    before = store.count("shopify_admin", SHOP, "order")
    page.click(f"[data-key='{SHOP} New order']")
    page.wait("document.getElementById('message').textContent.includes('new order')")
    assert store.count("shopify_admin", SHOP, "order") == before + 1
    page.wait(f"document.querySelector('article').textContent.includes('of Shopify\u2019s {before + 1}')")


def test_a_fault_is_added_met_and_removed(running: RunningSandbox, page: Page) -> None:
    page.click("#presets button:first-child")
    page.wait("document.querySelector('#faults').textContent.includes('3 of 3 left')")
    assert httpx.get(f"{running.url}/yotpo/core/v3/stores/x/orders").status_code == 500
    page.wait("document.querySelector('#faults').textContent.includes('2 of 3 left; met 1')")
    page.click("[data-key='clear faults']")
    page.wait("document.querySelector('#faults').textContent.includes('No faults')")
    assert running.faults.rules() == []


def test_a_switch_is_flipped_with_the_keyboard_alone(running: RunningSandbox, page: Page) -> None:
    name = "yotpo.retry_after"
    enter(page, "#find", name, "input")
    page.run("document.querySelector('#find').focus()")
    for _ in range(2):  # "Reset all" is between the two.
        page.press("Tab")
    page.wait(f"document.activeElement.dataset.key === {name!r}")
    page.press("Enter")
    page.wait("document.querySelector('#switches').textContent.includes('default true')")
    assert running.sandbox.switches[name] is False
    assert page.run(f"document.activeElement.dataset.key === {name!r}"), "the focus stays where it was"
    page.click("#reset-switches")
    page.wait("document.getElementById('message').textContent.includes('Switches reset')")
    assert running.sandbox.switches[name] is True


def test_calls_can_be_narrowed_to_a_partner(page: Page) -> None:
    enter(page, "#partner", "yofi", "change")
    page.wait("document.querySelector('#calls').textContent.includes('No calls yet')")


def test_it_can_be_paused(running: RunningSandbox, page: Page) -> None:
    page.click("#pause")
    page.wait("document.getElementById('connection').textContent === 'paused'")
    before = page.run("document.querySelectorAll('#calls tr').length")
    httpx.get(f"{running.url}/voucherify/v1/campaigns")
    assert not page.run(
        f"new Promise(done => setTimeout(() => done(document.querySelectorAll('#calls tr').length > {before}), 2500))"
    )
    page.click("#pause")
    page.wait(f"document.querySelectorAll('#calls tr').length === {before + 1}")


def test_a_phone_shows_it_without_scrolling_sideways(page: Page) -> None:
    page.resize(390, 844, mobile=True)
    page.wait("window.innerWidth === 390")
    assert page.run("document.documentElement.scrollWidth") == 390


def test_dark_follows_the_system_and_texts_have_contrast(page: Page) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 for text."""
    contrast = """(() => {
      const lum = (color) => { const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => {
        v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
        if (!/, 0\\)$/.test(c) && c !== 'transparent') return c; } return 'rgb(255,255,255)'; };
      const texts = 'h1, h2, .quiet, .badge, .status, .counts, .latest .state, .latest time, td, code, button';
      return Math.min(...[...document.querySelectorAll(texts)].filter(e => e.textContent.trim() && !e.disabled)
        .map(e => { const a = lum(getComputedStyle(e).color), b = lum(ground(e));
          return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
    })()"""
    grounds = []
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        page.wait(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        grounds.append(page.run("getComputedStyle(document.body).backgroundColor"))
        assert page.run(contrast) >= 4.5, scheme
    assert grounds[0] != grounds[1]


def test_every_control_has_a_name(page: Page) -> None:
    """WCAG 2.2, 4.1.2."""
    unnamed = page.run(
        "[...document.querySelectorAll('button, input, select, [role=img], progress')].filter(e => !("
        "e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).map(e => e.outerHTML)"
    )
    assert unnamed == []
