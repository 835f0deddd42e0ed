"""What partners, shops and tables of routes contain is data: no path, no SQL, no template, no markup, no code.

The attacks are those of OWASP's lists: path traversal, SQL, template, log and CSV injection, cross-site scripting, and
deserialization (https://owasp.org/www-community/attacks/).
"""

from __future__ import annotations

import ast
import logging
import os
import sqlite3
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import httpx
import pytest
from client_options import gather_options
from hypothesis import given, settings
from hypothesis import strategies as st

import airflow_provider_partners
from airflow_provider_partners import YotpoUpsertOrdersOperator
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.voucherify.exports.csv_file import ExportCsv
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.datasets.location import dataset_uri, version_log_uri
from airflow_provider_partners.exceptions import ConfigurationError, RejectedError, UnexpectedResponseError
from airflow_provider_partners.observability.report.markup import element
from airflow_provider_partners.pipelines.routing.sources import read_routes
from airflow_provider_partners.sync.user_code import load_object

PACKAGE = Path(airflow_provider_partners.__file__).parent
HOSTILE = (
    *("../../etc/passwd", "..", ".", "/etc/passwd", "a/../../b", "..\\..\\x", "%2e%2e%2f", "a\x00b", "~root", "-rf"),
    *("'; DROP TABLE orders; --", '"; DROP TABLE orders; --', "a`b", "a]b", "$(id)", "`id`", "|id", "&&id"),
    *("{{ 7 * 7 }}", "{% raw %}", "${7*7}", "#{7*7}", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>"),
    *("=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "a\r\nSet-Cookie: x=1", "\x1b[2J\x1b[31mERROR", "\u202egnp.exe"),
)  # fmt: skip

# --- paths ---


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text()), min_size=4, max_size=4))
@settings(max_examples=50, deadline=None)
def test_a_dataset_lies_below_the_staging_folder(names: list[str]) -> None:
    dag_id, task_id, run_id, suffix = names
    os.environ["AIRFLOW__PARTNERS__STAGING_URI"] = "/staging/root"
    uri = dataset_uri({"ti": SimpleNamespace(dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=-1)}, suffix)
    for path in (uri, version_log_uri(dag_id)):
        relative = PurePosixPath(os.path.normpath(path)).relative_to("/staging/root")
        assert len(relative.parts) == len([part for part in path.split("/") if part]) - 2
        assert "\x00" not in path


@pytest.mark.parametrize("job_id", [*HOSTILE, "a" * 5_000])
def test_a_file_of_an_export_lies_in_its_own_folder(job_id: str) -> None:
    """The id of an export comes from Voucherify's answer."""
    written: list[Path] = []

    def fetch(path: Path) -> None:
        written.append(path)
        path.write_text("Id\n1\n")

    page = ExportCsv(fetch=fetch, name=job_id, fields=("id",), transform=lambda record: record).page({})
    assert page.records == [{"id": "1"}]
    assert written[0].parent.name.startswith("partners-export-")
    assert not written[0].exists()


@pytest.mark.parametrize("value", HOSTILE)
def test_an_id_is_one_segment_of_a_path(value: str) -> None:
    """RFC 3986, section 3.3: a segment has no slash; a URL's dots lead to another path."""
    try:
        segment = path_segment(value)
    except ConfigurationError:
        assert value in {".", ".."}
        return
    assert not {"/", "\\", "?", "#", "\r", "\n", "\x00"} & set(segment)


@pytest.mark.parametrize("value", [*HOSTILE, "a.myshopify.com.evil.example", "a.myshopify.com@evil.example", "a b"])
def test_a_shop_is_a_domain_of_shopify(value: str) -> None:
    try:
        domain = shop_domain(value)
    except ConfigurationError:
        return
    # Only what stands before a path or a port counts, as in a URL that somebody has pasted.
    assert domain.endswith(".myshopify.com")
    assert domain.removesuffix(".myshopify.com").replace("-", "").isalnum()


# --- SQL ---


def test_a_name_of_a_column_is_a_name(tmp_path: Path) -> None:
    """SQLite, as another implementation of SQL, reads the statements."""
    from airflow_provider_partners.tables.dialects import DIALECTS

    database = sqlite3.connect(tmp_path / "x.db")
    database.execute("CREATE TABLE orders (id TEXT)")
    quote = DIALECTS["sqlite"].quoted
    for number, name in enumerate(name for name in HOSTILE if "\x00" not in name):
        database.execute(f"CREATE TABLE t{number} ({quote(name)} TEXT)")
        assert [row[1] for row in database.execute(f"PRAGMA table_info(t{number})")] == [name]
    assert database.execute("SELECT count(*) FROM orders").fetchall() == [(0,)]


# --- templates, markup, logs ---


@pytest.mark.parametrize("value", HOSTILE)
def test_a_partners_text_is_never_a_template(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jinja renders what a Dag's author wrote. What another task returned comes as it is."""
    from airflow.sdk import DAG

    result = [{"external_id": "1", "note": value}]
    with DAG("d", schedule=None):
        source = YotpoUpsertOrdersOperator(task_id="source", orders=[{"external_id": "0"}])
        task = YotpoUpsertOrdersOperator(task_id="task", orders=source.output)
    ti = SimpleNamespace(xcom_pull=lambda **_: result, task_id="task", map_index=-1)
    monkeypatch.setattr("airflow.sdk.definitions.xcom_arg.PlainXComArg.resolve", lambda *_a, **_k: result)
    task.render_template_fields({"ti": ti, "task": task, "dag": task.dag})
    assert task.orders == [{"external_id": "1", "note": value}]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_partners_text_is_text_in_a_report(value: str) -> None:
    page = str(element("td", value, title=value))
    assert "<script" not in page
    assert "<img" not in page
    assert page.count('"') == 2


def test_no_script_of_a_page_writes_markup() -> None:
    scripts = [*PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.html")]
    assert scripts
    for path in scripts:
        text = path.read_text()
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in text, f"{path.name} uses {sink}"


@pytest.mark.parametrize("value", HOSTILE)
def test_a_partners_message_is_one_line_without_controls(value: str, caplog: pytest.LogCaptureFixture) -> None:
    """A terminal obeys escape sequences, and a reader of a log believes its lines."""
    body = {"errors": [{"message": f"wrong {value}\nERROR all orders are lost\r\x1b]0;x\x07"}]}
    handler = httpx.MockTransport(lambda _: httpx.Response(400, json=body))
    client = Transport(**gather_options(partner="Yotpo", base_url="https://api.yotpo.com", handler=handler))
    with caplog.at_level(logging.DEBUG), pytest.raises(RejectedError) as raised:
        client.send(Request(method="POST", path="/orders", json={}, label="orders.create"))
    for text in (str(raised.value), caplog.text.rstrip("\n")):
        assert not [character for character in text if ord(character) < 32 or 127 <= ord(character) < 160]
        assert not {"\u202e", "\u2028"} & set(text)


# --- code ---


@pytest.mark.parametrize(
    "path", ["os:system", "subprocess:run", "builtins:eval", "pickle:loads", "shutil:rmtree", "importlib:import_module"]
)
def test_a_route_cannot_name_a_function_of_python_itself(path: str) -> None:
    with pytest.raises(ConfigurationError, match="belongs to Python itself"):
        load_object(path, "'transform'")


@pytest.mark.parametrize(
    "text",
    [
        "- !!python/object/apply:os.system ['touch {mark}']",
        "- !!python/object/new:subprocess.Popen [['touch', '{mark}']]",
        "- !!python/name:os.system",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)),
        "a: &a [*a]",
        "[" * 20_000,
    ],
    ids=["apply", "new", "name", "a billion laughs", "a list of itself", "20,000 lists"],
)
def test_a_file_of_routes_runs_no_code_and_fills_no_memory(text: str, tmp_path: Path) -> None:
    """See https://yaml.org/spec/1.2.2/#alias-nodes: an alias stands for what its anchor names, without a copy."""
    mark = tmp_path / "mark"
    file = tmp_path / "routes.yaml"
    file.write_text(text.replace("{mark}", str(mark)))
    with pytest.raises(ConfigurationError) as raised:
        read_routes(str(file))
    assert not mark.exists()
    assert len(str(raised.value)) < 2_000


def test_the_package_reads_nothing_that_could_run() -> None:
    """No pickle, no marshal, no eval, no exec, no unsafe YAML, no shell."""
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found += [f"{path.name}: {each.name}" for each in node.names if each.name in forbidden]
            elif isinstance(node, ast.ImportFrom) and node.module in forbidden:
                found.append(f"{path.name}: {node.module}")
            elif isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                has_shell = any(each.arg == "shell" for each in node.keywords)
                if name in {"eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen"} or has_shell:
                    found.append(f"{path.name}: {name}")
    assert found == []


def test_no_table_for_spreadsheets_is_written() -> None:
    """A spreadsheet runs a cell that begins with =, +, - or @. Only the sandbox writes CSV, as Voucherify does."""
    writers = [path for path in PACKAGE.rglob("*.py") if "csv.writer" in path.read_text()]
    assert {path.relative_to(PACKAGE).parts[0] for path in writers} == {"sandbox"}


@pytest.mark.parametrize("body", [{"errors": [{"message": "denied"}]}, {"error": [{"code": 1}], "object": "list"}])
def test_errors_with_the_status_of_a_success_are_no_records_of_voucherify(body: dict[str, object]) -> None:
    handler = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    client = VoucherifyClient(**gather_options(application_id="app-id", secret_key="secret-key", handler=handler))
    with pytest.raises(UnexpectedResponseError, match="no list of records"):
        list(client.extract("redemptions", since="2026-01-01T00:00:00Z", until="2026-01-02T00:00:00Z").records())


def test_an_object_of_another_shape_is_no_record_of_yofi() -> None:
    handler = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {"orders": "a page"}}))
    arguments = {"secret": "s" * 40, "issuer": "i", "subject": "s", "shop": "a.myshopify.com"}
    client = YofiClient(**gather_options(**arguments, handler=handler))
    with pytest.raises(UnexpectedResponseError, match="without 'id', 'type' and 'attributes'"):
        list(client.extract("returns", match={"order_id": ["1"]}).records())
