"""Names that load on first use are found by ``dir()`` as well."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import airflow_provider_partners


def test_dir_lists_the_version_and_the_packages_that_users_import():
    assert {"__version__", "pipelines", "taskflow", "YofiHook"} <= set(dir(airflow_provider_partners))
    assert "__version__" not in airflow_provider_partners.__all__


def test_a_package_that_dir_lists_loads_on_first_use():
    code = "import airflow_provider_partners as p; print(p.pipelines.__name__, p.__version__)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.split()[-2:] == ["airflow_provider_partners.pipelines", airflow_provider_partners.__version__]


@pytest.mark.parametrize(
    "name",
    [
        "arguments",
        "assets",
        "exceptions",
        "files",
        "get_provider_info",
        "links",
        "retry_policy",
        "settings",
        "task_errors",
        "windows",
    ],
)
def test_a_module_lists_its_public_names(name):
    module = import_module(f"airflow_provider_partners.{name}")
    own = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }

    assert own <= set(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)
