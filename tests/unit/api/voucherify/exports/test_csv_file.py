"""The rows of Voucherify's exports: a file fetched once, read by position, cut to its window; and who serves it."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fake_exports import SINCE, TOKEN, UNTIL, URL, Server, client, echoed, rows, table

from airflow_provider_partners.api.voucherify.exports.csv_file import PAGE_SIZE, ExportCsv
from airflow_provider_partners.api.voucherify.exports.endpoints import download_hosts
from airflow_provider_partners.exceptions import ExpiredError, TransientError, UnexpectedResponseError

# The published example of a file, with its lines apart.
SAMPLE = """ID,Code,Voucher Type,Value
v_mKNYXWf5168jyW3EvwnAf73d7vnTiXaa,iuCvt3BT,GIFT_VOUCHER,2000.00
v_xb5KuIw90ViUY7NrNbDZzf1JwFmyTUi0,M3X8IwW8,GIFT_VOUCHER,2000.00
v_YtzZG4UJaWm9DNCY3AvIqVbc7Dt5WToU,lRvBOUPl,LOYALTY_CARD,0
"""


@pytest.fixture(autouse=True)
def _own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files lie in a folder of the test's own, so that those left behind are seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    if list(tmp_path.glob("voucherify-export-*")):
        gc.collect()  # what a test left behind in a cycle, such as an error's traceback
    assert not list(tmp_path.glob("voucherify-export-*"))


# Rows


def test_cells_belong_to_fields_by_their_position() -> None:
    found = rows(Server(SAMPLE), "vouchers", fields=["id", "code", "voucher_type", "value"])
    assert found[0] == {
        "id": "v_mKNYXWf5168jyW3EvwnAf73d7vnTiXaa",
        "code": "iuCvt3BT",
        "voucher_type": "GIFT_VOUCHER",
        "value": "2000.00",
    }
    assert len(found) == 3


def test_labels_that_are_the_fields_in_another_order_win() -> None:
    found = rows(Server(table("ord_1,1001", header="ID,Source ID")), "orders", fields=["source_id", "id"])
    assert found == [{"source_id": "1001", "id": "ord_1"}]


def test_text_stays_as_it_is_and_nothing_is_none() -> None:
    file = "\ufeff" + table('r_1,"a ""b"", c\nd",,1000.00,Zoë', header="ID,X,Y,Z,W")
    fields = ["id", "failure_message", "campaign", "order_amount", "metadata.name"]
    assert rows(Server(file), "redemptions", fields=fields) == [
        {
            "id": "r_1",
            "failure_message": 'a "b", c\nd',
            "campaign": None,
            "order_amount": "1000.00",
            "metadata.name": "Zoë",
        }
    ]


def test_all_metadata_is_one_object_of_its_columns() -> None:
    server = Server(table("ord_1,PAID,de,", header="ID,Status,lang,metadata.Shop Name"))
    found = rows(server, "orders", fields=["id", "metadata", "status"])
    assert server.bodies[0]["parameters"]["fields"] == ["id", "status", "metadata"]
    assert found == [{"id": "ord_1", "status": "PAID", "metadata": {"lang": "de", "Shop Name": None}}]


def test_metadata_without_any_key_is_none() -> None:
    assert rows(Server(table("ord_1", header="ID")), "orders", fields=["id", "metadata"]) == [
        {"id": "ord_1", "metadata": None}
    ]


def test_rows_are_cut_to_the_window_by_their_own_time() -> None:
    times = ["2026-04-30T23:59:59.999Z", "2026-05-01T00:00:00.000Z", "2026-05-01T23:59:59.999Z", "2026-05-02T00:00:00Z"]
    server = Server(table(*(f"r_{number},{at}" for number, at in enumerate(times)), header="ID,Date"))
    found = rows(server, "redemptions", since=SINCE, until=UNTIL, fields=["id"])
    assert found == [{"id": "r_1"}, {"id": "r_2"}]


def test_a_row_without_a_time_is_kept() -> None:
    server = Server(table("ord_1,", header="ID,Updated At"))
    assert rows(server, "orders", since=SINCE, time_field="updated_at", fields=["id"]) == [{"id": "ord_1"}]


def test_a_time_that_is_none_is_an_error() -> None:
    server = Server(table("r_1,yesterday", header="ID,Date"))
    with pytest.raises(UnexpectedResponseError, match="'date' that is no time"):
        rows(server, "redemptions", since=SINCE, fields=["id"])


def test_an_export_without_fields_has_the_usual_ones() -> None:
    server = Server(table("ord_1,1001,PAID", header="ID,Source ID,Status"))
    server.add("exp_1", exported_object="order", parameters={})
    assert list(client(server).job("orders", fields=["id", "status"]).extraction("exp_1").records()) == [
        {"id": "ord_1", "status": "PAID"}
    ]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("", "empty"),
        (table("a,b,c", header="ID,Status,More"), "3 columns, but 2 fields"),
        (table("a", header="ID"), "1 columns, but 2 fields"),
        (table("a,b", "c", header="ID,Status"), "row 2 of the exported file has 1 cells, its header 2"),
        (table('a,"b', header="ID,Status"), "can't be read"),
        (b"ID,Status\r\nord_1,\xff\r\n", "UTF-8"),
    ],
)
def test_a_file_that_is_not_what_was_asked_for_is_an_error(file: str | bytes, told: str) -> None:
    with pytest.raises(UnexpectedResponseError, match=told):
        rows(Server(file), "orders", fields=["id", "status"])


def test_a_file_that_failed_does_not_pass_for_one_that_ended() -> None:
    server = Server(table("a,b", "c", header="ID,Status"))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    for _ in range(2):
        with pytest.raises(UnexpectedResponseError, match="row 2"):
            list(extraction.records())


def test_blank_lines_are_nothing_but_an_empty_only_cell_is_a_row() -> None:
    assert len(rows(Server("ID,Status\n\na,b\n\n"), "orders", fields=["id", "status"])) == 1
    assert rows(Server("Source ID\n\nx\n"), "customers", fields=["source_id"]) == [
        {"source_id": None},
        {"source_id": "x"},
    ]


def test_a_row_is_known_by_its_id_or_its_code() -> None:
    server = Server()
    voucherify = client(server)
    for resource, fields, key in [
        ("orders", ["id", "status"], ("id",)),
        ("vouchers", ["code", "value"], ("code",)),
        ("customers", ["name"], ()),
        ("publications", None, ()),
    ]:
        job = voucherify.job(resource, fields=fields)
        echoed(server, job, "exp_1")
        assert job.extraction("exp_1").key == key


def many(count: int) -> str:
    return table(*(f"ord_{number},PAID" for number in range(count)), header="ID,Status")


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE])
def test_a_long_file_comes_in_pages_and_is_fetched_once(count: int) -> None:
    server = Server(many(count))
    found = rows(server, "orders", fields=["id", "status"])
    assert [row["id"] for row in found] == [f"ord_{number}" for number in range(count)]
    assert server.files == 1


def test_a_walk_is_taken_up_by_another_process_where_it_stopped() -> None:
    server = Server(many(2 * PAGE_SIZE + 5))
    job = client(server).job("orders", fields=["id", "status"])
    walk = job.extraction(job.submit()).pages()
    first = next(walk)
    walk.close()
    again = client(server).job("orders", fields=["id", "status"]).extraction("exp_1")
    assert again.fingerprint == job.extraction("exp_1").fingerprint
    rest = [row["id"] for step in again.pages(position=first.position) for row in step.records]
    assert rest == [f"ord_{number}" for number in range(PAGE_SIZE, 2 * PAGE_SIZE + 5)]


def test_a_file_that_is_shorter_than_before_is_an_error() -> None:
    server = Server(many(10))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    with pytest.raises(UnexpectedResponseError, match="has 10 rows, but 1000"):
        list(extraction.pages(position={"segment": 0, "cursor": {"row": PAGE_SIZE}}))


def test_a_second_walk_fetches_the_file_again_by_a_new_address() -> None:
    server = Server(many(3))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    assert len(list(extraction.records())) == len(list(extraction.records())) == 3
    assert server.files == 2
    assert sum(request.url.path == "/v1/exports/exp_1" and not request.url.query for request in server.requests) == 2


def test_only_one_page_is_in_memory(tmp_path: Path) -> None:
    held: list[int] = []

    def fetch(path: Path) -> None:
        with path.open("w") as file:
            file.write("ID\n")
            file.writelines(f"{number}\n" for number in range(100))

    file = ExportCsv(
        fetch=fetch, name="exp_1", fields=("id",), transform=lambda row: held.append(1) or row, page_size=10
    )
    page = file.page({"row": 20})
    assert [row["id"] for row in page.records] == [str(number) for number in range(20, 30)]
    assert (len(held), page.next) == (10, {"row": 30})
    assert list(tmp_path.glob("voucherify-export-*"))


def test_the_file_is_removed_at_the_end_of_the_walk(tmp_path: Path) -> None:
    server = Server(many(3))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    list(extraction.records())
    assert not list(tmp_path.glob("voucherify-export-*"))


@pytest.mark.parametrize("said", ["SCHEDULED", "ERROR"])
def test_rows_of_an_export_that_is_not_done_are_refused(said: str) -> None:
    server = Server(statuses=said)
    job = client(server).job("orders")
    with pytest.raises(TransientError, match=f"isn't done but {said}"):
        job.extraction(job.submit())


def test_rows_of_an_export_that_is_gone_have_expired() -> None:
    with pytest.raises(ExpiredError, match="no export exp_gone"):
        client(Server()).job("orders").extraction("exp_gone")


def test_rows_of_another_kind_of_export_are_refused() -> None:
    server = Server()
    client(server).job("vouchers").submit()
    with pytest.raises(UnexpectedResponseError, match="not one of 'orders'"):
        client(server).job("orders").extraction("exp_1")


def test_an_export_that_is_done_without_an_address_is_an_error() -> None:
    server = Server(url="")
    job = client(server).job("orders")
    with pytest.raises(UnexpectedResponseError, match="no 'url'"):
        job.extraction(job.submit())


# The file's host


@pytest.mark.parametrize(
    ("base", "hosts"),
    [
        ("https://api.voucherify.io", ("download.voucherify.io",)),
        ("https://us1.api.voucherify.io", ("us1.download.voucherify.io",)),
        ("https://AS1.api.voucherify.io/", ("as1.download.voucherify.io",)),
        ("https://api.voucherify.io.example.com", ()),
        ("https://myapi.voucherify.io", ()),
        ("http://127.0.0.1:8080/voucherify", ()),
    ],
)
def test_files_lie_on_the_cluster_s_own_host_for_them(base: str, hosts: tuple[str, ...]) -> None:
    assert download_hosts(base) == hosts


def test_the_credentials_go_with_the_token_to_the_host_of_files() -> None:
    server = Server(many(1))
    rows(server, "orders", fields=["id", "status"])
    request = server.requests[-1]
    assert request.url.host == "download.voucherify.io"
    assert request.headers["X-App-Id"] == "app-id-1234"
    assert request.headers["X-App-Token"] == "the-secret-key"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.voucherify.io", f"https://files.example.com/v1/exports/exp_1?token={TOKEN}"),
        ("https://us1.api.voucherify.io", URL),
        ("https://api.voucherify.io", URL.replace("https", "http")),
        ("http://127.0.0.1:9000/voucherify", URL),
    ],
)
def test_no_other_host_is_sent_the_credentials(base_url: str, url: str) -> None:
    server = Server(many(1), url=url)
    voucherify = client(server, base_url=base_url)
    server.add("exp_1", exported_object="order", parameters={"fields": ["id", "status"]})
    with pytest.raises(UnexpectedResponseError) as raised:
        list(voucherify.job("orders", fields=["id", "status"]).extraction("exp_1").records())
    assert TOKEN not in str(raised.value)
    assert server.files == 0


def test_behind_another_address_files_come_from_there_too() -> None:
    server = Server(many(2), url=f"http://127.0.0.1:9000/voucherify/v1/exports/exp_1?token={TOKEN}")
    server.add("exp_1", exported_object="order", parameters={"fields": ["id", "status"]})
    voucherify = client(server, base_url="http://127.0.0.1:9000/voucherify")
    assert len(list(voucherify.job("orders", fields=["id", "status"]).extraction("exp_1").records())) == 2


def test_a_token_that_is_not_accepted_any_more_has_expired() -> None:
    server = Server(many(1), url=URL.replace(TOKEN, "an-old-token-of-the-file"))
    with pytest.raises(ExpiredError) as raised:
        rows(server, "orders", fields=["id", "status"])
    assert "an-old-token" not in str(raised.value)


def test_a_download_that_broke_off_goes_on_in_the_next_try() -> None:
    server = Server(many(3))
    broken = [3]

    def breaking(request: httpx.Request) -> httpx.Response:
        if request.url.host == "download.voucherify.io" and broken[0]:
            broken[0] -= 1
            return httpx.Response(503)
        return server(request)

    job = client(breaking).job("orders", fields=["id", "status"])
    assert len(list(job.extraction(job.submit()).records())) == 3
