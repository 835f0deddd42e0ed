"""Options that a Dag's author writes as a dict or builds as an object: the same error either way."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.coupons import CouponPolicy
from airflow_provider_partners.sync.options import MappingOptions, Options
from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy


@pytest.mark.parametrize(
    ("options", "values", "problem"),
    [
        (MappingOptions, {"order_dat": "x"}, "Wrong mapping options: order_dat: unknown field"),
        (SuppressionPolicy, {"categories": {"bot": 2}}, "Wrong suppression policy: categories.bot: "),
        (CouponPolicy, {"kinds": "discount"}, "Wrong coupon policy: kinds: "),
        (SuppressionPolicy, {"rules": {"tags": ["x"]}}, "Wrong suppression policy: rules: Input should be a list"),
    ],
)
def test_the_object_and_the_dict_end_in_the_same_error(
    options: type[Options], values: dict[str, Any], problem: str
) -> None:
    texts = []
    for build in (lambda: options(**values), lambda: options.parse(values)):
        with pytest.raises(ConfigurationError) as caught:
            build()
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert texts[0].startswith(problem)
    assert "https://" not in texts[0]


@pytest.mark.parametrize("value", [["order_date"], 7])
def test_options_that_are_no_dict_are_named(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="Wrong mapping options: value: "):
        MappingOptions.parse(value)


@pytest.mark.parametrize(
    "options",
    [MappingOptions(order_date="processed"), SuppressionPolicy(categories={"bot": 0.5}), CouponPolicy(kinds={"gift"})],
)
def test_options_can_be_copied_pickled_and_written(options: Options) -> None:
    copies = [copy.copy(options), copy.deepcopy(options), pickle.loads(pickle.dumps(options)), options.model_copy()]
    assert [*copies, type(options).parse(options.to_dict())] == [options] * 5


def test_options_may_be_json_text() -> None:
    """A Variable is text, and a template renders to text."""
    assert MappingOptions.parse('{"order_date": "processed"}').order_date == "processed"
    assert MappingOptions.parse(" ") == MappingOptions.parse("None") == MappingOptions()
    with pytest.raises(ConfigurationError, match="order_dat: unknown field"):
        MappingOptions.parse('{"order_dat": "processed"}')
    with pytest.raises(ConfigurationError, match="Wrong mapping options: the text is no JSON"):
        MappingOptions.parse("{order_date: processed}")
