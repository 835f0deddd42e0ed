"""The routes of the shops: where they come from, what each one says, and where its lanes run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.routing.routes import EXAMPLE as EXAMPLE
    from airflow_provider_partners.pipelines.routing.routes import ROUTES_REMEDY as ROUTES_REMEDY
    from airflow_provider_partners.pipelines.routing.routes import ROUTES_VARIABLE as ROUTES_VARIABLE
    from airflow_provider_partners.pipelines.routing.routes import Route as Route
    from airflow_provider_partners.pipelines.routing.routes import SelectedShops as SelectedShops
    from airflow_provider_partners.pipelines.routing.routes import parse_routes as parse_routes
    from airflow_provider_partners.pipelines.routing.routes import requested_shops as requested_shops
    from airflow_provider_partners.pipelines.routing.routes import select_lanes as select_lanes

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "routes": [
            "EXAMPLE",
            "ROUTES_REMEDY",
            "ROUTES_VARIABLE",
            "Route",
            "SelectedShops",
            "parse_routes",
            "requested_shops",
            "select_lanes",
        ],
    },
)
