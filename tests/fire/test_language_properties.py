"""Any text that is put into a filter, a search or a document is what the partner reads, or it is refused.

The requests of the real clients are read by parsers that are not ours: ``@rsql/parser`` and ``qs`` in Node, Python's
``urllib``, and graphql-core. Shopify's search is read by the rules of its page, see ``foreign_parsers``. No text may
make a filter wider: neither a second condition, nor one condition less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest
from client_options import gather_options
from fakes.admin_api import FakeAdminApi, extract, orders_body
from fakes.voucherify import voucherify_client
from fakes.yofi_api import FakeYofiApi, yofi_client
from foreign_parsers import NodeParsers, node_parsers, search_groups, search_phrase, search_tokens
from graphql import parse, value_from_ast_untyped
from graphql.language import FieldNode, OperationDefinitionNode
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.api.rsql import expressions as rsql
from airflow_provider_partners.api.shopify.syntax import bind_variables, parse_document, print_tree, select_operation
from airflow_provider_partners.api.shopify_admin.documents import documents_of
from airflow_provider_partners.api.shopify_admin.resources import RESOURCES as ADMIN_RESOURCES
from airflow_provider_partners.api.shopify_admin.search import build_search, validate_query
from airflow_provider_partners.api.voucherify import filters as voucherify
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import parse_json, repair_text, to_json_lines
from airflow_provider_partners.windows import TimeRange

SEEDS = 1
EXAMPLES, LONG_EXAMPLES = 100, 2_000

_SEPARATORS = "\"'\\`,;:()[]{}<>=!~*?&%#+-/|$@. \t\r\n\x00\x1b\x7f\u00a0\u2028\u202e\ufeff"
_WORDS = (
    "and",
    "or",
    " AND ",
    " OR ",
    "NOT ",
    "==",
    "=in=",
    "${x}",
    "{{x}}",
    "%27",
    "%00",
    "\\u0027",
    "\\'",
    "null",
    "true",
)

texts = st.one_of(
    st.text(),
    st.text(alphabet=_SEPARATORS + "ab1é漢🙂", max_size=12),
    st.lists(st.one_of(st.sampled_from(_WORDS), st.text(_SEPARATORS, max_size=2), st.text(max_size=3)), max_size=6).map(
        "".join
    ),
)
"""Any text, often with what separates and quotes in one of the languages."""

with_halves = st.one_of(texts, st.text(st.characters(categories=["Cs", "L", "P"]), max_size=6))
"""Texts that may hold halves of surrogate pairs, which no encoding accepts."""


@pytest.fixture(scope="module")
def node() -> Iterator[NodeParsers]:
    with node_parsers() as parsers:
        yield parsers


class Run(Protocol):
    """Checks examples of a strategy."""

    def __call__(self, strategy: Any, check: Callable[[Any], Any], *, max_refused: float = 0.25) -> None:
        """Run the check with the examples.

        :param max_refused: share of the examples that the client may refuse
        """


@pytest.fixture
def for_all(request: pytest.FixtureRequest, seed: int, fire_row: Callable[..., None]) -> Run:
    """Return a function that checks examples of a strategy: the same ones for each seed."""
    is_long = request.config.getoption("seeds", None) is not None

    def run(strategy: Any, check: Callable[[Any], Any], *, max_refused: float = 0.25) -> None:
        count, refused = 0, 0

        @with_seed(seed)
        @settings(
            max_examples=LONG_EXAMPLES if is_long else EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def examples(example: Any) -> None:
            nonlocal count, refused
            count += 1
            try:
                check(example)
            except ConfigurationError:
                refused += 1

        examples()
        fire_row(texts=count, refused=refused)
        assert refused <= max_refused * count, f"{refused} of {count} texts were refused"

    return run


# --- Yofi: RSQL ---

OPERATORS = ("==", "!=", ">", ">=", "<", "<=", "=in=", "=out=")


def comparison(selector: str, operator: str, values: list[str]) -> tuple[Any, dict[str, Any]]:
    """Return an expression of the client, and its tree as ``@rsql/parser`` gives it."""
    field = rsql.field(selector)
    built = {
        "==": lambda: field == values[0],
        "!=": lambda: field != values[0],
        ">": lambda: field > values[0],
        ">=": lambda: field >= values[0],
        "<": lambda: field < values[0],
        "<=": lambda: field <= values[0],
        "=in=": lambda: field.in_(values),
        "=out=": lambda: field.not_in(values),
    }[operator]()
    value: Any = values if operator in {"=in=", "=out="} else values[0]
    return built, {
        "type": "COMPARISON",
        "left": {"type": "SELECTOR", "selector": selector},
        "operator": {">": "=gt=", ">=": "=ge=", "<": "=lt=", "<=": "=le="}.get(operator, operator),
        "right": {"type": "VALUE", "value": value},
    }


def normalized(tree: Any) -> Any:
    """Return a tree with one spelling of each operator and list."""
    if tree["type"] == "LOGIC":
        word = {";": "and", ",": "or"}.get(tree["operator"], tree["operator"])
        return {"type": "LOGIC", "operator": word, "left": normalized(tree["left"]), "right": normalized(tree["right"])}
    spellings = {">": "=gt=", ">=": "=ge=", "<": "=lt=", "<=": "=le="}
    operator, value = spellings.get(tree["operator"], tree["operator"]), tree["right"]["value"]
    # The grammar takes one value with or without parentheses.
    return {
        **tree,
        "operator": operator,
        "right": {**tree["right"], "value": [value] if isinstance(value, str) else value},
    }


comparisons = st.tuples(
    st.sampled_from(["order_name", "state", "customer_id"]),
    st.sampled_from(OPERATORS),
    st.lists(texts, min_size=1, max_size=4),
)


def sent_filter(**arguments: Any) -> str:
    """Return the parameter ``filter`` that the client sends, as a server's library reads the query."""
    api = FakeYofiApi()
    list(yofi_client(api).extract("returns", **arguments).records())
    (value,) = [
        value
        for name, value in parse_qsl(api.requests[-1].url.query.decode(), keep_blank_values=True)
        if name == "filter"
    ]
    return value


def test_rsql_is_read_as_it_was_written(for_all: Run, node: NodeParsers) -> None:
    def check(drawn: tuple[str, str, list[str]]) -> None:
        built, wanted = comparison(*drawn)
        assert normalized(node.parse("rsql", sent_filter(filters=built))) == normalized(wanted)

    for_all(comparisons, check)


def test_joined_rsql_is_read_as_it_was_written(for_all: Run, node: NodeParsers) -> None:
    """An *or* inside of an *and* keeps its parentheses: without them it would be wider."""

    def check(drawn: list[tuple[str, str, list[str]]]) -> None:
        parts = [comparison(*each) for each in drawn]
        (first, a), (second, b), (third, c) = [(built, normalized(tree)) for built, tree in parts]
        both = normalized(node.parse("rsql", sent_filter(filters=(first | second) & third)))
        assert both == logic("and", logic("or", a, b), c)
        either = normalized(node.parse("rsql", sent_filter(filters=first | second & third)))
        assert either == logic("or", a, logic("and", b, c))

    for_all(st.lists(comparisons, min_size=3, max_size=3), check)


def logic(operator: str, left: Any, right: Any) -> dict[str, Any]:
    return {"type": "LOGIC", "operator": operator, "left": left, "right": right}


def test_rsql_of_a_user_keeps_its_meaning_or_is_refused(for_all: Run, node: NodeParsers) -> None:
    """A text that both parsers take means the same before and after it went through the client."""

    def check(text: str) -> None:
        try:
            tree = normalized(node.parse("rsql", text))
        except ValueError:
            tree = None
        written = str(rsql.parse(text))
        if tree is not None:
            assert normalized(node.parse("rsql", written)) == tree

    parts = st.sampled_from([
        "a",
        "b.c",
        "==",
        "!=",
        "=gt=",
        "<",
        "=in=",
        "(",
        ")",
        "'x y'",
        '"z\\""',
        ",",
        ";",
        " and ",
        " or ",
        "1",
    ])
    phrases = texts.map(lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'")
    values = st.one_of(parts, phrases, st.just("(1,'x')"))
    one = st.tuples(st.sampled_from(["a", "b.c"]), st.sampled_from([*OPERATORS, "=gt=", "=le="]), values).map("".join)
    joined = st.lists(st.one_of(one, one.map("({})".format)), min_size=1, max_size=4)
    well_formed = st.tuples(joined, st.sampled_from([",", ";", " and ", " or "])).map(
        lambda pair: pair[1].join(pair[0])
    )
    # Over the grammar, the client takes line breaks and tabs where a space may stand.
    drawn = st.one_of(texts, st.lists(parts, max_size=9).map("".join), well_formed, well_formed, well_formed)
    # Most of the drawn texts are no RSQL.
    for_all(drawn.map(lambda text: re.sub(r"[\t\r\n]", " ", text)), check, max_refused=0.85)


def test_ids_to_match_are_read_as_they_were_given(for_all: Run, node: NodeParsers) -> None:
    def check(ids: list[str]) -> None:
        tree = normalized(node.parse("rsql", sent_filter(match={"order_id": ids})))
        value = tree["right"]["value"]
        assert tree["left"]["selector"] == "order_id"
        assert (value if isinstance(value, list) else [value]) == list(dict.fromkeys(each for each in ids))

    for_all(st.lists(texts.filter(str.strip), min_size=1, max_size=5), check)


# --- Voucherify: brackets in queries ---


def sent_query(api_list: str, **arguments: Any) -> str:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"object": "list", "data_ref": "data", "data": [], api_list: [], "total": 0})

    with voucherify_client(answer) as client:
        list(client.extract(api_list, **arguments).records())
    return requests[0].url.query.decode()


def test_a_filter_of_voucherify_is_read_as_it_was_written(for_all: Run, node: NodeParsers) -> None:
    """https://docs.voucherify.io/api-reference/listing names the form: ``filters[field][conditions][$operator]``."""

    def check(drawn: tuple[str, list[str]]) -> None:
        text, values = drawn
        built = voucherify.field("voucher_code").is_(text) & voucherify.field("customer_id").in_(values)
        query = node.parse("qs", sent_query("redemptions", filters=built))
        assert query["filters"] == {
            "voucher_code": {"conditions": {"$is": text}},
            "customer_id": {"conditions": {"$in": values}},
            "junction": "and",
        }

    for_all(st.tuples(texts, st.lists(texts, min_size=1, max_size=4, unique=True)), check)


def test_a_field_of_metadata_has_any_name_or_is_refused(for_all: Run, node: NodeParsers) -> None:
    """The names of metadata are the merchant's. A bracket in one would be another level for ``qs``."""

    def check(name: str) -> None:
        query = node.parse("qs", sent_query("vouchers", filters=voucherify.field(f"metadata.{name}").is_("x")))
        assert query["filters"] == {f"metadata.{name}": {"conditions": {"$is": "x"}}}

    for_all(texts, check)


# --- Yotpo ---


def test_ids_of_yotpo_are_read_as_they_were_given(for_all: Run) -> None:
    """The filter is a list with commas between the ids (https://core-api.yotpo.com/reference/orders)."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.path.endswith("access_tokens"):
            return httpx.Response(200, json={"access_token": "t"})
        return httpx.Response(200, json={"orders": [], "pagination": {}})

    arguments = {"store_id": "s", "secret": "x", "requests_per_second": 1e9}
    client = YotpoClient(**gather_options(**arguments, handler=httpx.MockTransport(answer)))

    def check(ids: list[str]) -> None:
        requests.clear()
        list(client.extract("orders", match={"external_id": ids}).records())
        read: list[str] = []
        for request in requests:
            if not request.url.path.endswith("access_tokens"):
                pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
                assert [name for name, _ in pairs if name == "external_ids"] == ["external_ids"]
                read += dict(pairs)["external_ids"].split(",")
        assert set(read) == {part for each in ids for part in each.split(",")}

    for_all(st.lists(texts.filter(str.strip), min_size=1, max_size=5), check)


def test_an_id_in_a_path_is_read_as_it_was_given(for_all: Run) -> None:
    """RFC 3986, section 3.3, by Python's ``urllib``."""

    def check(text: str) -> None:
        path = urlsplit(f"https://api.example/v1/vouchers/{path_segment(text)}/end").path
        *_, vouchers, segment, end = path.split("/")
        assert (vouchers, end) == ("vouchers", "end")
        assert unquote(segment, errors="strict") == text

    for_all(texts, check)


# --- Shopify ---

RANGE = TimeRange(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))
BOUNDS = ["updated_at:>=2026-05-01T00:00:00Z", "AND", "updated_at:<2026-05-02T00:00:00Z", "AND"]


def test_a_search_of_a_user_never_leaves_its_parentheses(for_all: Run) -> None:
    """https://shopify.dev/docs/api/usage/search-syntax: a search that could would also change the time range."""

    def check(text: str) -> None:
        query = validate_query(text)
        search = build_search(RANGE, query)
        for each in (False, True):
            wanted = [*BOUNDS, search_groups(query, quotes_in_words=each)] if query else BOUNDS[:-1]
            assert search_groups(search, quotes_in_words=each) == wanted

    parts = st.sampled_from([
        "name:",
        "'",
        '"',
        "\\",
        "(",
        ")",
        " ",
        "OR ",
        "-",
        "status:open",
        "created_at:>=",
        "2026-05-01T10:00:00Z",
        "2026-05-01T10",
        "\\:",
        "\\(",
        "x",
    ])
    # A quote or a parenthesis without its counterpart is no search.
    for_all(st.one_of(texts, st.lists(parts, max_size=8).map("".join)).filter(bool), check, max_refused=0.5)


def test_a_quoted_phrase_of_a_search_stays_whole(for_all: Run) -> None:
    def check(drawn: tuple[str, str]) -> None:
        text, quote = drawn
        query = validate_query(f"name:{search_phrase(text, quote)} status:open")
        assert query
        assert search_tokens(build_search(RANGE, query))[5:-1] == [("word", f"name:{text}"), ("word", "status:open")]

    for_all(st.tuples(texts, st.sampled_from("'\"")), check)


def string_argument(document: str, name: str) -> Any:
    """Return an argument of the document's first field, as graphql-core reads it."""
    operation = parse(document).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    field = operation.selection_set.selections[0]
    assert isinstance(field, FieldNode)
    (value,) = [each.value for each in field.arguments or () if each.name.value == name]
    return value_from_ast_untyped(value)


def test_a_search_in_the_text_of_a_bulk_operation_is_read_as_it_was_written(for_all: Run) -> None:
    """A bulk operation takes no variables, so the search is a string of GraphQL (spec.graphql.org, section 2.9.4)."""
    documents = documents_of(ADMIN_RESOURCES["orders"], "2026-07", personal_data=True)

    def check(text: str) -> None:
        assert string_argument(documents.bulk_query(text, grouped=True), "query") == text

    for_all(texts.filter(bool), check)


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def test_variables_in_the_text_of_a_document_are_read_as_they_were_given(for_all: Run) -> None:
    """graphql-core reads the literals that replace variables."""
    document = "query Q($a: String, $b: [String!], $c: ID, $d: Any) { orders(query: $a, b: $b, c: $c, d: $d) { id } }"

    def check(drawn: tuple[str, list[str], str, Any]) -> None:
        parsed = parse_document(document)
        operation = select_operation(parsed, None)
        bound = print_tree(bind_variables(operation, dict(zip("abcd", drawn, strict=True))))
        names = {"query": drawn[0], "b": drawn[1], "c": drawn[2], "d": drawn[3]}
        assert {name: string_argument(bound, name) for name in names} == names

    for_all(st.tuples(texts, st.lists(texts, max_size=3), texts, json_values), check)


# --- files ---


def test_a_record_in_a_file_is_read_as_it_was_written(for_all: Run) -> None:
    """JSON Lines, read by the standard library: one line a record, with U+FFFD for halves of surrogate pairs."""
    values = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(allow_nan=False), with_halves),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(with_halves, inner, max_size=3)),
        max_leaves=6,
    )

    def check(record: dict[str, Any]) -> None:
        (line,) = to_json_lines([record])
        assert b"\n" not in line
        wanted = json.loads(json.dumps(record), object_pairs_hook=lambda pairs: {repair_text(k): v for k, v in pairs})
        assert json.loads(line.decode()) == repaired(wanted)
        if "Infinity" not in line.decode():
            assert parse_json(line) == repaired(wanted)

    for_all(st.dictionaries(with_halves, values, max_size=4), check)


def repaired(value: Any) -> Any:
    if isinstance(value, dict):
        return {repair_text(name): repaired(each) for name, each in value.items()}
    if isinstance(value, list):
        return [repaired(each) for each in value]
    return repair_text(value) if isinstance(value, str) else value


def sent_search(query: str) -> str:
    """Return the search that the client sends, as the standard library reads the request."""
    api = FakeAdminApi(Orders=orders_body())
    extract(api, query=query)
    return str(api.variables_of("Orders")[0]["query"])


REFUSED: dict[str, str] = {}
"""What the error says, where half of a surrogate pair is no value."""


@pytest.mark.parametrize("place", ["yofi", "yofi ids", "voucherify", "yotpo", "shopify"])
def test_half_of_a_surrogate_pair_is_refused_or_repaired(place: str) -> None:
    """No URL can hold one: UTF-8 has no form of it (RFC 3629, section 3)."""
    half = "a\ud83d"
    sends: dict[str, Callable[[], str]] = {
        "yofi": lambda: sent_filter(filters=rsql.field("state") == half),
        "yofi ids": lambda: sent_filter(match={"order_id": [half]}),
        "voucherify": lambda: sent_query("redemptions", filters=voucherify.field("voucher_code").is_(half)),
        "yotpo": lambda: path_segment(half),
        "shopify": lambda: sent_search(half),
    }
    if place in REFUSED:
        with pytest.raises(ConfigurationError, match=REFUSED[place]):
            sends[place]()
    else:
        sends[place]().encode()
