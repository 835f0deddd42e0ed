"""The page in Airflow, served by Airflow's own API server: who sees what, and what a browser shows.

Users sign in at Airflow's documented endpoint ``POST /auth/token``. Two teams of Airflow's simple auth manager keep two
Dags apart. The browser tests need a Chromium on the path, and are skipped only where there is none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from api_server import ApiServer, serve_airflow
from browser import Page, find_chromium, open_browser
from left_reports import CUSTOMER, leave_dataset, leave_runs, reject

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.reader import published_dataset
from airflow_provider_partners.observability.report import read_report
from airflow_provider_partners.observability.report.model import DatasetEntry, LaneReport, RunReport
from airflow_provider_partners.observability.report.run import page_url
from airflow_provider_partners.observability.report.store import write_report
from airflow_provider_partners.pipelines.open_rejects import ORDERS, OpenRejects, close_rejects

pytestmark = pytest.mark.system

DAGS = Path(__file__).parents[2] / "dags"
NORTH, SOUTH = "yofi_shopify_to_yotpo", "southern_orders"
REPLAY = "yotpo_replay_rejects"
SHOPS = ["aurora-tea.myshopify.com", "blue-harbour.myshopify.com", "cedar-and-co.myshopify.com"]
HOSTILE = "<img src=x onerror=\"document.title='hacked'\">.myshopify.com"


@dataclass(frozen=True)
class World:
    """The server, and what runs have left."""

    server: ApiServer
    runs: list[str]
    southern_run: str
    staging: Path

    def get(self, path: str, user: str | None = "north_viewer", **query: object) -> httpx.Response:
        """Ask for one address of the page."""
        with self.server.client(user) as client:
            return client.get(f"/partners/{path}", params={name: str(value) for name, value in query.items()})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[World]:
    home = tmp_path_factory.mktemp("page")
    north, south = home / "north", home / "south"
    for folder in (north, south):
        folder.mkdir()
    for name in (NORTH, REPLAY):
        shutil.copy(DAGS / f"{name}.py", north)
    call = (DAGS / f"{NORTH}.py").read_text().replace("order_sync_dag()", f"order_sync_dag(dag_id={SOUTH!r})")
    (south / "southern.py").write_text(call)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(home / "staging"))
        runs = leave_runs(NORTH, SHOPS, runs=8)
        southern_run = leave_runs(SOUTH, [HOSTILE], runs=2)[0]
        staging = {"AIRFLOW__PARTNERS__STAGING_URI": settings.staging_uri()}
        with serve_airflow(home, migrated_database, {"north": north, "south": south}, **staging) as server:
            yield World(server, runs, southern_run, home / "staging")


def addresses(world: World) -> list[tuple[str, dict[str, str]]]:
    """Return every address below the northern Dag that holds data."""
    run = {"dag_id": NORTH, "run_id": world.runs[0]}
    return [
        ("api/shop", {"dag_id": NORTH, "shop": SHOPS[0]}),
        ("api/run", run),
        ("api/report", run),
        ("api/dataset", {**run, "number": "0"}),
    ]


def test_an_anonymous_request_is_refused(world: World) -> None:
    requested = [("api/overview", {}), *addresses(world)]

    assert {world.get(path, None, **query).status_code for path, query in requested} == {401}


def test_a_token_that_airflow_did_not_sign_is_refused(world: World) -> None:
    answer = httpx.get(f"{world.server.url}/partners/api/overview", headers={"Authorization": "Bearer e30.e30.e30"})

    assert answer.status_code == 403


def test_a_user_sees_the_dags_that_airflow_lets_them_read(world: World) -> None:
    shown = {
        user: [dag["dag_id"] for dag in world.get("api/overview", user).json()["dags"]]
        for user in ("north_viewer", "south_viewer", "admin")
    }

    assert shown == {"north_viewer": [NORTH], "south_viewer": [SOUTH], "admin": [SOUTH, NORTH]}
    for user, dags in shown.items():
        # Airflow's public API agrees.
        with world.server.client(user) as client:
            assert set(dags) <= {dag["dag_id"] for dag in client.get("/api/v2/dags").json()["dags"]}


def test_who_may_not_read_a_dag_is_refused_by_address_as_well(world: World) -> None:
    assert {world.get(path, "south_viewer", **query).status_code for path, query in addresses(world)} == {403}
    assert {world.get(path, "north_viewer", **query).status_code for path, query in addresses(world)} == {200}


def test_a_refusal_does_not_say_whether_there_is_a_report(world: World) -> None:
    existing = world.get("api/run", "south_viewer", dag_id=NORTH, run_id=world.runs[0])
    missing = world.get("api/run", "south_viewer", dag_id="no_such_dag", run_id="no_such_run")

    assert (existing.status_code, existing.text) == (missing.status_code, missing.text)


def test_records_need_the_right_to_read_xcoms(world: World) -> None:
    run = {"dag_id": NORTH, "run_id": world.runs[0]}
    answer = world.get("api/run", "without_xcoms", **run)

    assert answer.status_code == 200
    assert {dataset["opens"] for dataset in answer.json()["datasets"]} == {False}
    assert world.get("api/dataset", "without_xcoms", **run, number=0).status_code == 403


def test_only_who_may_start_the_dag_may_replay(world: World) -> None:
    run = {"dag_id": NORTH, "run_id": world.runs[0]}

    assert world.get("api/run", "north_viewer", **run).json()["can_replay"] is False
    assert world.get("api/run", "north_user", **run).json()["can_replay"] is True


def test_records_are_masked(world: World) -> None:
    run = {"dag_id": NORTH, "run_id": world.runs[0]}
    datasets = world.get("api/run", **run).json()["datasets"]
    number = next(dataset["number"] for dataset in datasets if dataset["is_rejects"])
    answer = world.get("api/dataset", **run, number=number)

    assert answer.json()["masked"] is True
    assert answer.json()["dataset"]["records"] == len(answer.json()["records"]) == 3
    assert [record["rejected"]["external_id"] for record in answer.json()["records"]] == ["5000", "5001", "5002"]
    assert [value for value in CUSTOMER.values() if value in answer.text] == []


def test_no_answer_names_the_place_of_the_staging_folder(world: World) -> None:
    texts = [world.get(path, **query).text for path, query in [("api/overview", {}), *addresses(world)]]

    assert [text for text in texts if str(world.staging) in text] == []


def test_records_come_page_by_page(world: World) -> None:
    run = {"dag_id": NORTH, "run_id": world.runs[0], "number": 0}
    first = world.get("api/dataset", **run, limit=20).json()
    second = world.get("api/dataset", **run, offset=20, limit=20).json()
    ids = [record["external_id"] for page in (first, second) for record in page["records"]]

    assert ids == [str(number) for number in range(first["dataset"]["records"])]
    assert world.get("api/dataset", **run, limit=100_000).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"dag_id": "../../etc", "run_id": "passwd"},
        {"dag_id": NORTH, "run_id": "../../../../etc/passwd"},
        {"dag_id": NORTH, "run_id": "%2e%2e%2f"},
        {"dag_id": "~", "run_id": "~"},
    ],
)
def test_no_name_leads_out_of_the_reports(world: World, query: dict[str, str]) -> None:
    assert {world.get(path, **query).status_code for path in ("api/run", "api/report")} <= {403, 404}


@pytest.mark.parametrize("path", ["static/../app.py", "static/%2e%2e/app.py", "static/..%2fapp.py"])
def test_no_path_leads_out_of_the_static_files(world: World, path: str) -> None:
    answer = world.get(path)

    assert answer.status_code == 404 or "def create_app" not in answer.text


def test_a_changed_report_opens_no_dataset_outside_and_none_of_another_dag(world: World, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(world.staging))
        southern = leave_dataset(SOUTH, "run", "task", "0", "orders", [{"external_id": "1"}])
        patch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
        outside = leave_dataset(NORTH, "run", "task", "0", "orders", [{"external_id": "1"}])
        patch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(world.staging))
        around = DatasetEntry(task="t", uri=f"{world.staging}/{NORTH}/../../elsewhere", resource="orders")
        lane = LaneReport(shop=SHOPS[0], datasets=[southern, outside, around])
        write_report(RunReport(dag_id=NORTH, run_id="changed", lanes=[lane]), "")
    try:
        run = {"dag_id": NORTH, "run_id": "changed"}
        opens = [dataset["opens"] for dataset in world.get("api/run", **run).json()["datasets"]]

        assert opens == [False, False, False]
        assert [world.get("api/dataset", **run, number=number).status_code for number in range(3)] == [403, 404, 404]
        # Who may read both Dags sees the dataset of the other one, and still nothing from outside.
        statuses = [world.get("api/dataset", "admin", **run, number=number).status_code for number in range(4)]
        assert statuses == [200, 404, 404, 404]
    finally:
        shutil.rmtree(world.staging / ".reports" / NORTH / "changed")


def test_what_a_replay_closed_is_no_open_reject(world: World) -> None:
    run = {"dag_id": NORTH, "run_id": world.runs[3]}

    def shown() -> tuple[int, int]:
        shop = world.get("api/shop", dag_id=NORTH, shop=SHOPS[1]).json()
        return world.get("api/run", **run).json()["open_rejects"], shop["open_rejects"]

    before = shown()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(world.staging))
        report = read_report(NORTH, world.runs[3])
        assert report is not None
        dataset = next(dataset for lane in report.lanes for dataset in lane.rejects)
        ids = [reject(3 + number)["external_id"] for number in range(3)]
        reference = published_dataset(dataset.uri)
        rejects = OpenRejects(shop=SHOPS[1], kind=ORDERS, run_id=None, task_id=None, ids=ids, reference=reference)
        close_rejects(rejects, ids[:2])

    assert before == (3, 9)
    assert shown() == (1, 7)


def test_the_page_may_load_nothing_from_elsewhere(world: World) -> None:
    policy = world.get("", None).headers["Content-Security-Policy"]
    report = world.get("api/report", dag_id=NORTH, run_id=world.runs[0]).headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "sandbox" in report
    assert "script-src" not in report


# In a browser.


@pytest.fixture(scope="module")
def browser(world: World) -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("There is no Chromium on the path")
    with open_browser(program) as page:
        yield page


@pytest.fixture
def page(world: World, browser: Page) -> Page:
    """A tab of a desktop, signed in as a user who may start Dags of the north."""
    browser.resize(1280, 800)
    browser.prefer("light")
    sign_in(browser, world, "north_user")
    browser.errors.clear()
    return browser


def sign_in(page: Page, world: World, user: str) -> None:
    """Sign in as Airflow's own UI does: by its cookie."""
    page.set_cookie(world.server.url, "_token", world.server.token(user))


def show(page: Page, world: World, name: str = "", **query: str) -> None:
    """Open one page by its address, outside of Airflow's frame."""
    page.open(f"{world.server.url}/partners/{name}?{urlencode(query)}")
    page.wait(f"location.search === {json.dumps('?' + urlencode(query) if query else '')} && {READY}")


READY = "document.querySelector('main')?.getAttribute('aria-busy') === 'false'"
FRAME = "document.querySelector('iframe').contentDocument"


def text(page: Page, selector: str) -> list[str]:
    """Return the text of each element."""
    found = page.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")
    assert isinstance(found, list)
    return found


def test_the_overview_shows_each_shop_with_the_states_of_its_runs(page: Page, world: World) -> None:
    show(page, world)

    assert page.run("document.title") == "Partners"
    rows = page.run(
        "[...document.querySelectorAll('.grid tbody tr')].map(row =>"
        "[...row.querySelectorAll('a.state')].map(cell => cell.dataset.state))"
    )
    # Oldest first; the last shop failed in the newest run, and every third run of the second shop has rejects.
    assert rows == [
        ["success"] * 8,
        ["success", "rejects", "success", "success", "rejects", "success", "success", "rejects"],
        ["success"] * 7 + ["failed"],
    ]
    assert text(page, ".grid .state.dry") == ["✓"] * 3
    assert page.errors == []


def test_from_the_navigation_of_airflow_to_a_reject_by_clicks(page: Page, world: World) -> None:
    page.open(f"{world.server.url}/")
    page.click("a[href$='/plugin/partners']")
    page.wait(f"{FRAME}?.querySelector('.grid')")
    page.click(f'a[aria-label="{SHOPS[1]}"]', within=FRAME)
    page.wait(f"{FRAME}?.querySelector('.outcomes svg')")
    page.click("table.cards tbody a", within=FRAME)
    page.wait(f"{FRAME}?.querySelector('iframe.report')?.contentDocument?.querySelector('h1')")
    # Airflow mirrors the address, so that a link to a run can be passed on.
    assert "run_id=" in page.run("location.href")
    links = f"[...{FRAME}.querySelectorAll('main a')].find(a => a.textContent === 'yotpo orders rejects')"
    page.run(f"{links}.id = 'rejects'; 1")
    page.click("#rejects", within=FRAME)
    page.wait(f"{FRAME}?.querySelector('.records .toggle')")
    page.click(".records .toggle", within=FRAME)

    shown = page.wait(f"{FRAME}.querySelector('.whole:not([hidden]) pre')?.textContent")
    assert json.loads(shown)["rejected"]["external_id"] == "5000"
    assert CUSTOMER["email"] not in shown
    assert page.errors == []


def test_a_link_to_airflow_replaces_the_whole_window(page: Page, world: World) -> None:
    query = urlencode({"dag_id": NORTH, "run_id": world.runs[0]})
    page.open(f"{world.server.url}/plugin/partners/partners/run?{query}")
    page.click("[data-action=open-run]", within=FRAME)

    page.wait(f"location.pathname.startsWith('/dags/{NORTH}/runs/')")


def test_the_page_follows_the_theme_of_airflow(page: Page, world: World) -> None:
    page.open(f"{world.server.url}/partners/")
    page.wait(READY)
    page.run("localStorage.setItem('theme', 'dark')")
    page.open(f"{world.server.url}/plugin/partners")
    page.wait(f"{FRAME}?.querySelector('.grid')")

    assert page.run(f"{FRAME}.documentElement.dataset.theme") == "dark"
    assert page.run(f"getComputedStyle({FRAME}.body).backgroundColor") == "rgb(15, 17, 21)"
    page.run("document.documentElement.classList.replace('dark', 'light')")
    page.wait(f"getComputedStyle({FRAME}.body).backgroundColor === 'rgb(246, 247, 249)'")
    page.run("localStorage.removeItem('theme')")


def test_the_page_follows_the_system_outside_of_airflow(page: Page, world: World) -> None:
    page.prefer("dark")
    show(page, world)

    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(15, 17, 21)"


def test_the_grid_is_walked_by_keyboard(page: Page, world: World) -> None:
    # As the grid pattern of the ARIA Authoring Practices Guide: one tab stop, arrow keys, Home and End.
    show(page, world)
    assert page.run("document.querySelectorAll('.grid a[tabindex=\"0\"]').length") == 1
    page.run("document.querySelector('.grid a[tabindex=\"0\"]').focus(); 1")
    for key in ("ArrowDown", "ArrowDown", "End", "ArrowLeft", "ArrowRight"):
        page.press(key)

    label = page.run("document.activeElement.getAttribute('aria-label')")
    assert label.startswith(f"{SHOPS[2]}: failed. ")
    assert "401 Unauthorized" in label
    assert page.run("document.querySelector('.tip:not([hidden])')?.textContent.includes('401 Unauthorized')") is True
    page.press("Enter")
    page.wait(f"location.pathname.endsWith('/run') && {READY}")
    assert "Install the app again" in page.run("document.querySelector('.notice.failed').textContent")


@pytest.mark.parametrize("name", ["", "shop", "run", "dataset"])
def test_no_page_is_wider_than_a_phone(page: Page, world: World, name: str) -> None:
    queries = {
        "": {},
        "shop": {"dag_id": NORTH, "shop": SHOPS[1]},
        "run": {"dag_id": NORTH, "run_id": world.runs[0]},
        "dataset": {"dag_id": NORTH, "run_id": world.runs[0], "number": "2"},
    }
    page.resize(390, 844, mobile=True)
    show(page, world, name, **queries[name])

    assert page.run("[document.documentElement.scrollWidth, window.innerWidth]") == [390, 390]
    # A table with several columns is a list of cards: side by side, an id would break over many lines.
    beside = "e.checkVisibility() && e.rows[0].cells.length > 3 && !e.matches('.cards, .records')"
    assert page.run(f"[...document.querySelectorAll('table.list')].filter((e) => {beside}).length") == 0
    assert page.errors == []


def test_a_chart_has_its_numbers_as_a_table_and_hides_a_series(page: Page, world: World) -> None:
    show(page, world, "shop", dag_id=NORTH, shop=SHOPS[1])
    created = page.run("document.querySelectorAll('.outcomes rect.created').length")
    page.click(".key[data-series=created]")

    # One of the eight runs is a plan.
    assert created == 7
    page.wait("document.querySelectorAll('.outcomes rect.created').length === 0")
    assert page.run("document.querySelector('.key[data-series=created]').getAttribute('aria-pressed')") == "false"
    assert page.run("document.querySelectorAll('.outcomes details tbody tr').length") == 7
    assert page.run("document.querySelectorAll('.partner svg .limit').length") == 2


def test_replay_starts_airflows_dag_with_the_run(page: Page, world: World) -> None:
    show(page, world, "run", dag_id=NORTH, run_id=world.runs[0])
    page.click("[data-action=replay]")
    page.click("[data-action=confirm-replay]")
    message = page.wait("document.querySelector('.replay .notice')?.textContent")

    assert "The run waits, because its Dag is paused." in message
    with world.server.client("north_user") as client:
        (run,) = client.get(f"/api/v2/dags/{REPLAY}/dagRuns").json()["dag_runs"]
    assert {name: run["conf"].get(name) for name in ("run", "dag_id")} == {"run": world.runs[0], "dag_id": NORTH}
    assert run["triggering_user_name"] == "north_user"


def test_the_link_of_a_task_leads_to_its_run(page: Page, world: World) -> None:
    page.open(f"{world.server.url}{page_url(NORTH, world.runs[0])}")
    page.wait(READY)

    assert text(page, ".notice.failed .message") == [
        f"Shopify refuses the credentials of shopify_admin_2 for {SHOPS[2]}: 401 Unauthorized"
    ]


def test_there_is_no_replay_for_who_may_not_start_it(page: Page, world: World) -> None:
    sign_in(page, world, "north_viewer")
    show(page, world, "run", dag_id=NORTH, run_id=world.runs[0])

    assert text(page, ".tile small") == ["3 open"]
    assert text(page, "[data-action=replay]") == []


def test_names_are_text_and_never_markup(page: Page, world: World) -> None:
    sign_in(page, world, "south_viewer")
    show(page, world)

    assert page.run("document.title") == "Partners"
    assert page.run("document.querySelectorAll('.grid img').length") == 0
    assert HOSTILE.removesuffix(".myshopify.com") in text(page, ".grid tbody th a")[0]


def test_who_is_not_signed_in_finds_the_way_to_do_so(page: Page, world: World) -> None:
    page.set_cookie(world.server.url, "_token", "")
    show(page, world)

    assert text(page, "[role=alert] h1") == ["This page can't be shown"]
    page.click("[role=alert] a")
    # Airflow's own form, which leads back to the page.
    page.wait("location.pathname.startsWith('/auth/login')")
    assert "partners" in page.run("new URLSearchParams(location.search).get('next')")
