"""The fixture ``partners_sandbox``: a sandbox of its own for each test, with Airflow's connections and Variables set.

pytest loads this module in every environment that has the package, so it imports nothing but pytest.

.. code-block:: python

    @pytest.mark.partners_sandbox(shops=1, orders=20)
    def test_my_dag(partners_sandbox):
        my_dag.test()
        assert partners_sandbox.yotpo_orders("aurora-apparel")
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.handle import PartnersSandbox

__all__ = ["partners_sandbox"]

MARKER = "partners_sandbox"
_PARAMETERS = {"seed": 7, "shops": 1, "orders": 20}
_ARGUMENTS = {*_PARAMETERS, "switches", "rate_limits"}
_HELP = (
    "partners_sandbox(shops=1, orders=20, seed=7, switches={}, rate_limits=False): the world of the fixture "
    "'partners_sandbox'"
)
_NEEDS_EXTRA = (
    "The fixture 'partners_sandbox' needs the package '{}'. Install the extra: "
    "pip install 'airflow-provider-partners[sandbox]'"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _HELP)


@pytest.fixture(scope="session")
def _partners_worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The worlds that were built in this session: a copy of a database is quicker than a build."""
    return {"": tmp_path_factory.mktemp("partners-worlds")}


@pytest.fixture
def partners_sandbox(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    _partners_worlds: dict[str, Path],
) -> Iterator[PartnersSandbox]:
    """A sandbox that is served on a free port of this machine until the test ends.

    Environment variables define Airflow's connections and Variables for it, a staging folder and a folder for rate
    limits, both of this test alone.
    """
    arguments = _marker_arguments(request.node)
    try:
        import_module("airflow_provider_partners.sandbox.server")
        from airflow_provider_partners.sandbox.handle import PartnersSandbox, run_sandbox
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("airflow_provider_partners"):
            raise
        pytest.fail(_NEEDS_EXTRA.format(error.name), pytrace=False)
    parameters: dict[str, Any] = {name: arguments.get(name, default) for name, default in _PARAMETERS.items()}
    database = tmp_path / "partners-sandbox.sqlite"
    shutil.copy(_built_world(_partners_worlds, parameters), database)
    with run_sandbox(path=database, switches=arguments.get("switches"), **parameters) as running:
        sandbox = PartnersSandbox(running, rate_limits=bool(arguments.get("rate_limits")))
        environment = {
            **sandbox.environment,
            "AIRFLOW__PARTNERS__STAGING_URI": str(tmp_path / "partners-staging"),
            "AIRFLOW__PARTNERS__BUDGET_URI": (tmp_path / "partners-limits").as_uri(),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield sandbox


def _marker_arguments(node: Any) -> dict[str, Any]:
    marker = node.get_closest_marker(MARKER)
    arguments = dict(marker.kwargs) if marker else {}
    unknown = sorted(set(arguments) - _ARGUMENTS)
    if unknown or (marker and marker.args):
        wrong = ", ".join(unknown) or "arguments without a name"
        pytest.fail(f"@pytest.mark.{MARKER} takes no {wrong}. It takes {', '.join(sorted(_ARGUMENTS))}", pytrace=False)
    return arguments


def _built_world(worlds: dict[str, Path], parameters: dict[str, Any]) -> Path:
    """Return the database of a world, built at its first use."""
    from airflow_provider_partners.sandbox.world.build import build

    name = "-".join(f"{key}{value}" for key, value in parameters.items())
    if name not in worlds:
        path = worlds[""] / f"{name}.sqlite"
        build(path=path, **parameters).store.close()
        worlds[name] = path
    return worlds[name]
