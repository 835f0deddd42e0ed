"""Export files of Voucherify: cells to fields, the window, pages from disk, and the host that serves the file."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.exports import SINCE, TOKEN, UNTIL, URL, ExportsServer, add_export_of, client, csv_text, exported_records

from airflow_provider_partners.api.voucherify.exports.csv_file import PAGE_SIZE, ExportCsv
from airflow_provider_partners.api.voucherify.exports.endpoints import download_hosts
from airflow_provider_partners.exceptions import ExpiredError, TransientError, UnexpectedResponseError

# The sample file of https://docs.voucherify.io/api-reference/exports/export-object, with line breaks.
SAMPLE = """ID,Code,Voucher Type,Value
v_mKNYXWf5168jyW3EvwnAf73d7vnTiXaa,iuCvt3BT,GIFT_VOUCHER,2000.00
v_xb5KuIw90ViUY7NrNbDZzf1JwFmyTUi0,M3X8IwW8,GIFT_VOUCHER,2000.00
v_YtzZG4UJaWm9DNCY3AvIqVbc7Dt5WToU,lRvBOUPl,LOYALTY_CARD,0
"""


@pytest.fixture(autouse=True)
def _temporary_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put files into the test's own folder, and check that none remains."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    if list(tmp_path.glob("partners-export-*")):
        gc.collect()  # frees objects in reference cycles, such as an error's traceback
    assert not list(tmp_path.glob("partners-export-*"))


# Records


def test_cells_belong_to_fields_by_their_position() -> None:
    records = exported_records(ExportsServer(SAMPLE), "vouchers", fields=["id", "code", "voucher_type", "value"])
    assert records[0] == {
        "id": "v_mKNYXWf5168jyW3EvwnAf73d7vnTiXaa",
        "code": "iuCvt3BT",
        "voucher_type": "GIFT_VOUCHER",
        "value": "2000.00",
    }
    assert len(records) == 3


def test_labels_that_equal_the_fields_take_precedence() -> None:
    records = exported_records(
        ExportsServer(csv_text("ord_1,1001", header="ID,Source ID")), "orders", fields=["source_id", "id"]
    )
    assert records == [{"source_id": "1001", "id": "ord_1"}]


def test_text_is_unchanged_and_an_empty_cell_is_none() -> None:
    file = "\ufeff" + csv_text('r_1,"a ""b"", c\nd",,1000.00,Zoë', header="ID,X,Y,Z,W")
    fields = ["id", "failure_message", "campaign", "order_amount", "metadata.name"]
    assert exported_records(ExportsServer(file), "redemptions", fields=fields) == [
        {
            "id": "r_1",
            "failure_message": 'a "b", c\nd',
            "campaign": None,
            "order_amount": "1000.00",
            "metadata.name": "Zoë",
        }
    ]


def test_metadata_is_one_object_of_its_columns() -> None:
    server = ExportsServer(csv_text("ord_1,PAID,de,", header="ID,Status,lang,metadata.Shop Name"))
    records = exported_records(server, "orders", fields=["id", "metadata", "status"])
    assert server.bodies[0]["parameters"]["fields"] == ["id", "status", "metadata"]
    assert records == [{"id": "ord_1", "status": "PAID", "metadata": {"lang": "de", "Shop Name": None}}]


def test_metadata_without_any_key_is_none() -> None:
    assert exported_records(ExportsServer(csv_text("ord_1", header="ID")), "orders", fields=["id", "metadata"]) == [
        {"id": "ord_1", "metadata": None}
    ]


def test_records_outside_of_the_window_are_dropped() -> None:
    times = ["2026-04-30T23:59:59.999Z", "2026-05-01T00:00:00.000Z", "2026-05-01T23:59:59.999Z", "2026-05-02T00:00:00Z"]
    server = ExportsServer(csv_text(*(f"r_{number},{at}" for number, at in enumerate(times)), header="ID,Date"))
    records = exported_records(server, "redemptions", since=SINCE, until=UNTIL, fields=["id"])
    assert records == [{"id": "r_1"}, {"id": "r_2"}]


def test_a_record_without_a_timestamp_is_kept() -> None:
    server = ExportsServer(csv_text("ord_1,", header="ID,Updated At"))
    assert exported_records(server, "orders", since=SINCE, time_field="updated_at", fields=["id"]) == [{"id": "ord_1"}]


def test_an_invalid_timestamp_is_an_error() -> None:
    server = ExportsServer(csv_text("r_1,yesterday", header="ID,Date"))
    with pytest.raises(UnexpectedResponseError, match="'date' that is not a time"):
        exported_records(server, "redemptions", since=SINCE, fields=["id"])


def test_an_export_without_fields_has_the_default_ones() -> None:
    server = ExportsServer(csv_text("ord_1,1001,PAID", header="ID,Source ID,Status"))
    server.add("exp_1", exported_object="order", parameters={})
    assert list(client(server).job("orders", fields=["id", "status"]).extraction("exp_1").records()) == [
        {"id": "ord_1", "status": "PAID"}
    ]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("", "empty"),
        (csv_text("a,b,c", header="ID,Status,More"), "3 columns, but the export has 2 fields"),
        (csv_text("a", header="ID"), "1 columns, but the export has 2 fields"),
        (csv_text("a,b", "c", header="ID,Status"), "row 2 of the exported file has 1 cells, its header 2"),
        (csv_text('a,"b', header="ID,Status"), "can't be read"),
        (b"ID,Status\r\nord_1,\xff\r\n", "UTF-8"),
    ],
)
def test_a_file_that_does_not_match_the_export_is_an_error(file: str | bytes, message: str) -> None:
    with pytest.raises(UnexpectedResponseError, match=message):
        exported_records(ExportsServer(file), "orders", fields=["id", "status"])


def test_an_invalid_file_fails_again_on_the_next_read() -> None:
    server = ExportsServer(csv_text("a,b", "c", header="ID,Status"))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    for _ in range(2):
        with pytest.raises(UnexpectedResponseError, match="row 2"):
            list(extraction.records())


# Files that are cut on their way, with a length that fits. An export object has no count to compare with: its result is
# {"url": …} and nothing else (ExportBase in https://github.com/voucherifyio/voucherify-openapi).

QUOTED = SAMPLE.replace("iuCvt3BT", '"a ""b"",\nc"').encode()
CUT_FIELDS = ["id", "code", "voucher_type", "value"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""], ids=["LF", "CRLF", "no last line end"])
def test_a_file_that_is_cut_anywhere_but_between_two_lines_is_fetched_again(end: bytes) -> None:
    whole = QUOTED.replace(b"\n", end or b"\n")
    whole = whole if end else whole.removesuffix(b"\n")
    calm = read_downloads(whole)
    missed = [cut for cut in range(len(whole)) if read_downloads(whole[:cut], whole, whole) != calm]

    assert [record["value"] for record in calm] == ["2000.00", "2000.00", "0"]
    assert missed == line_ends(whole)[:-1], "a cut between two lines leaves a file that looks whole"


def read_downloads(*downloads: bytes) -> list[dict[str, str | None]]:
    """Return the records of a file that arrives in several forms, one after the other."""
    left = list(downloads)
    file = ExportCsv(
        fetch=lambda path: path.write_bytes(left.pop(0) if len(left) > 1 else left[0]),
        name="exp_1",
        fields=CUT_FIELDS,
        transform=lambda record: record,
    )
    page = file.page({})
    assert page.next is None
    return page.records


def line_ends(whole: bytes) -> list[int]:
    """Return how many bytes the header has, and the header with each row more."""
    ends = [number for number in range(1, len(whole)) if whole[number - 1 : number] == b"\n"]
    return [*(end for end in ends if whole[:end].count(b'"') % 2 == 0), len(whole)]


@pytest.mark.parametrize(
    ("cut", "downloads"),
    [(0, 3), (10, 3), (40, 3), (-1, 2), (-2, 2)],
    ids=["empty", "in the header", "in a row", "before the line end", "in the last cell"],
)
def test_a_file_that_always_arrives_the_same_is_damaged_or_taken_as_it_is(cut: int, downloads: int) -> None:
    """A cut in the last cell looks like a file without a last line end, if each download is the same."""
    server = ExportsServer(SAMPLE.encode()[:cut])
    if downloads == 2:
        assert len(exported_records(server, "vouchers", fields=CUT_FIELDS)) == 3
    else:
        with pytest.raises(UnexpectedResponseError, match="exported file"):
            exported_records(server, "vouchers", fields=CUT_FIELDS)
    assert server.files in {downloads, 2 * downloads}


def test_a_file_whose_end_differs_from_download_to_download_is_damaged() -> None:
    server = ExportsServer(SAMPLE, damaged=[SAMPLE.encode()[: -2 - number] for number in range(6)])
    with pytest.raises(UnexpectedResponseError, match="cut on its way, or changes"):
        exported_records(server, "vouchers", fields=CUT_FIELDS)


def test_a_cut_on_a_later_page_repeats_no_record() -> None:
    whole = many(2 * PAGE_SIZE + 5).encode()
    server = ExportsServer(whole, damaged=[whole[:-20]])
    records = exported_records(server, "orders", fields=["id", "status"])
    assert [record["id"] for record in records] == [f"ord_{number}" for number in range(2 * PAGE_SIZE + 5)]


def test_blank_lines_are_skipped_unless_the_file_has_a_single_column() -> None:
    assert len(exported_records(ExportsServer("ID,Status\n\na,b\n\n"), "orders", fields=["id", "status"])) == 1
    assert exported_records(ExportsServer("Source ID\n\nx\n"), "customers", fields=["source_id"]) == [
        {"source_id": None},
        {"source_id": "x"},
    ]


def test_the_key_of_a_record_is_its_id_or_its_code() -> None:
    server = ExportsServer()
    voucherify = client(server)
    for resource, fields, key in [
        ("orders", ["id", "status"], ("id",)),
        ("vouchers", ["code", "value"], ("code",)),
        ("customers", ["name"], ()),
        ("publications", None, ()),
    ]:
        job = voucherify.job(resource, fields=fields)
        add_export_of(server, job, "exp_1")
        assert job.extraction("exp_1").key == key


def many(count: int) -> str:
    return csv_text(*(f"ord_{number},PAID" for number in range(count)), header="ID,Status")


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE])
def test_a_long_file_is_fetched_once_and_returned_in_pages(count: int) -> None:
    server = ExportsServer(many(count))
    records = exported_records(server, "orders", fields=["id", "status"])
    assert [record["id"] for record in records] == [f"ord_{number}" for number in range(count)]
    assert server.files == 1


def test_another_process_resumes_at_the_stored_position() -> None:
    server = ExportsServer(many(2 * PAGE_SIZE + 5))
    job = client(server).job("orders", fields=["id", "status"])
    pages = job.extraction(job.submit()).pages()
    first = next(pages)
    pages.close()
    again = client(server).job("orders", fields=["id", "status"]).extraction("exp_1")
    assert again.fingerprint == job.extraction("exp_1").fingerprint
    remaining = [record["id"] for page in again.pages(position=first.position) for record in page.records]
    assert remaining == [f"ord_{number}" for number in range(PAGE_SIZE, 2 * PAGE_SIZE + 5)]


def test_a_file_that_is_shorter_than_before_is_an_error() -> None:
    server = ExportsServer(many(10))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    with pytest.raises(UnexpectedResponseError, match="has 10 rows, but 1000"):
        list(extraction.pages(position={"segment": 0, "cursor": {"row": PAGE_SIZE}}))


def test_a_second_read_fetches_the_file_again() -> None:
    server = ExportsServer(many(3))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    assert len(list(extraction.records())) == len(list(extraction.records())) == 3
    assert server.files == 2


def test_only_one_page_is_in_memory(tmp_path: Path) -> None:
    transformed: list[int] = []

    def fetch(path: Path) -> None:
        with path.open("w") as file:
            file.write("ID\n")
            file.writelines(f"{number}\n" for number in range(100))

    file = ExportCsv(
        fetch=fetch,
        name="exp_1",
        fields=("id",),
        transform=lambda record: transformed.append(1) or record,
        page_size=10,
    )
    page = file.page({"row": 20})
    assert [record["id"] for record in page.records] == [str(number) for number in range(20, 30)]
    assert (len(transformed), page.next) == (10, {"row": 30})
    assert list(tmp_path.glob("partners-export-*"))


def test_the_file_is_deleted_after_the_last_page(tmp_path: Path) -> None:
    server = ExportsServer(many(3))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    list(extraction.records())
    assert not list(tmp_path.glob("partners-export-*"))


@pytest.mark.parametrize("status", ["SCHEDULED", "ERROR"])
def test_an_unfinished_export_has_no_records_yet(status: str) -> None:
    server = ExportsServer(statuses=status)
    job = client(server).job("orders")
    with pytest.raises(TransientError, match=f"is not done but {status}"):
        job.extraction(job.submit())


def test_a_missing_export_has_expired() -> None:
    with pytest.raises(ExpiredError, match="exp_unknown no longer exists"):
        client(ExportsServer()).job("orders").extraction("exp_unknown")


def test_an_export_of_another_object_is_an_error() -> None:
    server = ExportsServer()
    client(server).job("vouchers").submit()
    with pytest.raises(UnexpectedResponseError, match="not one of 'orders'"):
        client(server).job("orders").extraction("exp_1")


def test_a_finished_export_without_a_url_is_an_error() -> None:
    server = ExportsServer(url="")
    job = client(server).job("orders")
    with pytest.raises(UnexpectedResponseError, match="no 'url'"):
        job.extraction(job.submit())


@pytest.mark.parametrize("others", [{"urls": [URL]}, {"url_2": URL}])
def test_an_export_of_several_files_is_an_error(others: dict[str, Any]) -> None:
    """ "The system may split the results into multiple files": transactions' export in Voucherify's OpenAPI file."""
    server = ExportsServer(many(1))

    def with_others(request: httpx.Request) -> httpx.Response:
        response = server(request)
        is_export = request.method == "GET" and request.url.path == "/v1/exports/exp_1" and not request.url.query
        if not is_export:
            return response
        body = response.json()
        return httpx.Response(200, json={**body, "result": {**body["result"], **others}})

    job = client(with_others).job("orders", fields=["id", "status"])
    with pytest.raises(UnexpectedResponseError, match="further files") as raised:
        job.extraction(job.submit())
    assert TOKEN not in str(raised.value)


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
def test_each_cluster_has_its_own_download_host(base: str, hosts: tuple[str, ...]) -> None:
    assert download_hosts(base) == hosts


def test_the_download_host_gets_the_credentials() -> None:
    server = ExportsServer(many(1))
    exported_records(server, "orders", fields=["id", "status"])
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
def test_no_other_host_gets_the_credentials(base_url: str, url: str) -> None:
    server = ExportsServer(many(1), url=url)
    voucherify = client(server, base_url=base_url)
    server.add("exp_1", exported_object="order", parameters={"fields": ["id", "status"]})
    with pytest.raises(UnexpectedResponseError) as raised:
        list(voucherify.job("orders", fields=["id", "status"]).extraction("exp_1").records())
    assert TOKEN not in str(raised.value)
    assert server.files == 0


def test_with_another_base_url_files_come_from_its_host() -> None:
    server = ExportsServer(many(2), url=f"http://127.0.0.1:9000/voucherify/v1/exports/exp_1?token={TOKEN}")
    server.add("exp_1", exported_object="order", parameters={"fields": ["id", "status"]})
    voucherify = client(server, base_url="http://127.0.0.1:9000/voucherify")
    assert len(list(voucherify.job("orders", fields=["id", "status"]).extraction("exp_1").records())) == 2


def test_a_download_token_that_is_always_refused_has_expired() -> None:
    server = ExportsServer(many(1), url=URL.replace(TOKEN, "an-old-token-of-the-file"))
    with pytest.raises(ExpiredError) as raised:
        exported_records(server, "orders", fields=["id", "status"])
    assert "an-old-token" not in str(raised.value)
    assert sum(request.url.host == "download.voucherify.io" for request in server.requests) == 3


def test_a_download_token_that_has_expired_since_is_replaced() -> None:
    server = ExportsServer(many(1), url=URL.replace(TOKEN, "an-old-token-of-the-file"))
    job = client(server).job("orders", fields=["id", "status"])
    extraction = job.extraction(job.submit())
    server.url = URL
    assert [record["id"] for record in extraction.records()] == ["ord_0"]


@pytest.mark.parametrize("expires", [False, True])
def test_a_file_is_downloaded_again_from_its_known_address_until_that_is_refused(expires: bool) -> None:
    """A file without a last line end is fetched twice. How long an address is valid is not documented.

    See "Download Export" in https://github.com/voucherifyio/voucherify-openapi.
    """
    server, requests = ExportsServer(SAMPLE.removesuffix("\n")), []

    def serve(request: httpx.Request) -> httpx.Response:
        requests.append(str(request.url))
        if expires and server.files == 1 and requests[-1] == URL:
            server.url = f"{URL}&renewed=1"
            return httpx.Response(401, json={"code": 401, "message": "Unauthorized"})
        return server(request)

    job = client(serve).job("vouchers", fields=CUT_FIELDS)
    server.add("exp_1", exported_object="voucher", parameters={"fields": CUT_FIELDS})
    assert len(list(job.extraction("exp_1").records())) == 3
    export = "https://api.voucherify.io/v1/exports/exp_1"
    assert requests == [export, URL, URL, *([export, f"{URL}&renewed=1"] if expires else [])]


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_refusal_that_passes_ends_no_download(refusals: int) -> None:
    server = ExportsServer(many(1))
    left = [httpx.Response(401, json={"code": 401, "message": "Unauthorized"})] * refusals

    def refusing(request: httpx.Request) -> httpx.Response:
        return left.pop() if left and request.url.host == "download.voucherify.io" else server(request)

    job = client(refusing).job("orders", fields=["id", "status"])
    assert [record["id"] for record in job.extraction(job.submit()).records()] == ["ord_0"]


def test_an_interrupted_download_continues() -> None:
    server = ExportsServer(many(3))
    broken = [3]

    def breaking(request: httpx.Request) -> httpx.Response:
        if request.url.host == "download.voucherify.io" and broken[0]:
            broken[0] -= 1
            return httpx.Response(503)
        return server(request)

    job = client(breaking).job("orders", fields=["id", "status"])
    assert len(list(job.extraction(job.submit()).records())) == 3
