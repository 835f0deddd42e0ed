"""Tests of what Airflow loads of the plugin in each process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from airflow_provider_partners.plugin.registration import PartnersPlugin

CODE = """
import json, sys
import airflow.plugins_manager, airflow_provider_partners._compat
before = set(sys.modules)
import airflow_provider_partners.plugin.registration
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_airflow_finds_the_plugin_by_its_entry_point() -> None:
    # https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/plugins.html
    (entry,) = [entry for entry in entry_points(group="airflow.plugins") if entry.name == "partners"]

    assert entry.load() is PartnersPlugin


def test_airflow_accepts_the_plugin_and_its_page() -> None:
    from airflow import plugins_manager
    from airflow.api_fastapi.core_api.datamodels.plugins import PluginResponse

    plugins_manager.ensure_plugins_loaded()
    (plugin,) = [each for each in plugins_manager.get_plugin_info() if each["name"] == "partners"]
    shown = PluginResponse.model_validate(plugin)

    assert [(view.name, view.destination) for view in shown.external_views] == [("Partners", "nav")]
    assert [app.url_prefix for app in shown.fastapi_apps] == ["/partners"]


def test_the_addresses_work_below_a_base_url_with_a_path() -> None:
    # Airflow's page has <base href> with the path of [api] base_url; an address with a slash would leave it.
    (view,) = PartnersPlugin.external_views

    assert [value for value in (view["href"], view["icon"], view["icon_dark_mode"]) if value.startswith("/")] == []


def test_loading_the_plugin_loads_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    loaded = [name for name in json.loads(done.stdout.splitlines()[-1]) if name.partition(".")[0] != "asyncio"]

    assert loaded == ["airflow_provider_partners.plugin", "airflow_provider_partners.plugin.registration"]


@pytest.mark.parametrize(("sdk", "pages"), [("1.0.6", 0), ("1.1.0", 1), ("1.3.2", 1), ("2.0.0", 1)])
def test_the_page_is_absent_before_airflow_3_1(sdk: str, pages: int) -> None:
    code = (
        "import importlib.metadata as metadata\n"
        f"version = metadata.version\n"
        f"metadata.version = lambda name: {sdk!r} if name == 'apache-airflow-task-sdk' else version(name)\n"
        "import airflow_provider_partners.plugin.registration as registration\n"
        "plugin = registration.PartnersPlugin\n"
        "print(len(plugin.external_views), len(plugin.fastapi_apps))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))

    assert done.stdout.splitlines()[-1] == f"{pages} {pages}", done.stderr
