"""RSQL, the query language of Yofi's filters: build, parse and evaluate expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.rsql.evaluate import matches as matches
    from airflow_provider_partners.api.rsql.expressions import OPERATORS as OPERATORS
    from airflow_provider_partners.api.rsql.expressions import Comparison as Comparison
    from airflow_provider_partners.api.rsql.expressions import Expression as Expression
    from airflow_provider_partners.api.rsql.expressions import Selector as Selector
    from airflow_provider_partners.api.rsql.expressions import field as field
    from airflow_provider_partners.api.rsql.expressions import parse as parse

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "evaluate": ["matches"],
        "expressions": ["OPERATORS", "Comparison", "Expression", "Selector", "field", "parse"],
    },
)
