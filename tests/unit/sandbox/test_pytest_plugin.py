"""The fixture as users meet it: in another project's test run, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "how-to" / "test-dags.md"


def run_pytest(folder, *arguments, **environment):
    """Run pytest as a user does, and return the finished process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
    )


def test_pytest_finds_the_plugin():
    (found,) = [each for each in entry_points(group="pytest11") if each.name == "partners_sandbox"]
    assert found.value == "airflow_provider_partners.sandbox.pytest_plugin"


def test_a_test_run_that_does_not_use_it_loads_neither_airflow_nor_the_server(tmp_path):
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n\ndef test_nothing():\n"
        "    assert 'airflow_provider_partners.sandbox.pytest_plugin' in sys.modules\n"
        "    loaded = {name.split('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'airflow', 'starlette', 'uvicorn', 'httpx', 'graphql'}\n"
    )
    done = run_pytest(tmp_path, "--strict-markers", "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_extra_only_its_users_fail_and_read_what_to_install(tmp_path):
    (tmp_path / "conftest.py").write_text("import sys\n\nsys.modules['uvicorn'] = None\n")
    (tmp_path / "test_both.py").write_text(
        "def test_without():\n    pass\n\n\ndef test_with(partners_sandbox):\n    pass\n"
    )
    done = run_pytest(tmp_path)
    assert "1 passed, 1 error" in done.stdout
    assert "pip install 'airflow-provider-partners[sandbox]'" in done.stdout


def test_the_environment_is_set_for_the_test_and_restored_after_it(tmp_path):
    (tmp_path / "test_environment.py").write_text(
        "import json\nimport os\n\nimport pytest\n\n\n"
        "def names():\n    return [name for name in os.environ if name.startswith('AIRFLOW')]\n\n\n"
        "@pytest.mark.partners_sandbox(shops=2, orders=5)\n"
        "def test_inside(partners_sandbox, tmp_path):\n"
        "    assert json.loads(os.environ['AIRFLOW_CONN_YOFI_DEFAULT'])['host'].startswith(partners_sandbox.url)\n"
        "    assert len(json.loads(os.environ['AIRFLOW_VAR_PARTNER_SHOP_ROUTES'])) == 3\n"
        "    assert os.environ['AIRFLOW__PARTNERS__STAGING_URI'].startswith(str(tmp_path))\n\n\n"
        "def test_outside():\n    assert names() == []\n"
    )
    done = run_pytest(tmp_path, "--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_test_gets_a_world_of_its_own(tmp_path):
    (tmp_path / "test_worlds.py").write_text(
        "def test_first(partners_sandbox):\n"
        "    partners_sandbox.shop('aurora-apparel').create_orders(3)\n"
        "    assert len(partners_sandbox.shop('aurora-apparel').orders()) == 23\n\n\n"
        "def test_second(partners_sandbox):\n"
        "    assert len(partners_sandbox.shop('aurora-apparel').orders()) == 20\n"
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", ["order=5", "5"])
def test_a_wrong_argument_of_the_marker_is_named(tmp_path, arguments):
    (tmp_path / "test_wrong.py").write_text(
        f"import pytest\n\n\n@pytest.mark.partners_sandbox({arguments})\ndef test_it(partners_sandbox):\n    pass\n"
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 1
    assert "It takes orders, rate_limits, seed, shops, switches" in done.stdout


@pytest.mark.system
def test_the_example_of_the_documentation_passes(tmp_path):
    """The page's files, written as it says, in an Airflow home of their own."""
    files = dict(re.findall(r"`([\w./]+\.py)`:\n\n```py\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE))
    assert sorted(files) == ["conftest.py", "test_order_sync.py"]
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    command = [sys.executable, "-m", "airflow_provider_partners", "dags", "dags", "--only", "yofi_shopify_to_yotpo"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "3 passed" in done.stdout
