"""Check one cell of the matrix from inside: provider, imports without our own warnings, connection forms, Dags."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import sys
import warnings
from pathlib import Path
from typing import Any

PACKAGE = "airflow_provider_partners"
NOT_IMPORTED = ("__main__", ".pytest_plugin")
"""Ends of modules that a cell doesn't import: programs, and the plugin of pytest, which a cell doesn't install."""

CONNECTION_TYPES = {"yofi", "shopify_partner", "shopify_admin", "voucherify", "yotpo"}


def check_imports() -> int:
    """Import every module, and return their number; a warning from one of our modules is an error."""
    package = importlib.import_module(PACKAGE)
    modules = [module.name for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}.")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in modules:
            if not name.endswith(NOT_IMPORTED):
                importlib.import_module(name)
    own_warnings = [str(warning.message) for warning in caught if PACKAGE in warning.filename]
    expect(not own_warnings, f"our modules warn: {own_warnings}")
    return len(modules)


def check_provider() -> None:
    """Check that Airflow finds the provider with its connection types."""
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    expect("airflow-provider-partners" in manager.providers, "the provider is not found")
    missing = CONNECTION_TYPES - set(manager.hooks)
    expect(not missing, f"connection types are missing: {missing}")
    for name in CONNECTION_TYPES:
        expect(manager.hooks[name] is not None, f"the hook of {name} can't be imported")


def check_forms() -> None:
    """Check that the form of each connection type shows its fields, from what this version's UI reads."""
    from airflow_provider_partners.get_provider_info import get_provider_info

    # Look before Airflow 3.1 and 3.2 register a substitute for the module.
    has_appbuilder = importlib.util.find_spec("flask_appbuilder") is not None
    info: Any = get_provider_info()
    declared = {entry["connection-type"]: set(entry["conn-fields"]) for entry in info["connection-types"]}
    shown: dict[str, set[str]] = {}
    try:
        from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

        for meta in HookMetaService.hook_meta_data():
            shown[meta.connection_type] = set(json.loads(meta.model_dump_json()).get("extra_fields") or {})
    except ImportError:
        pass
    if not has_appbuilder and not any(shown.get(name) for name in CONNECTION_TYPES):
        # Airflow 3.0 shows no provider's fields without Flask AppBuilder. Check the fields that it would show.
        from airflow_provider_partners.hooks import connection_forms

        shown = {name: set(connection_forms.extra_fields(name)) for name in CONNECTION_TYPES}
    for name in CONNECTION_TYPES:
        expect(shown.get(name) == declared[name], f"the form of {name} shows {shown.get(name)}")


def check_page(release: str) -> None:
    """Check that Airflow loads the plugin without a fault, and shows its page from 3.1 on."""
    from airflow import plugins_manager

    plugins_manager.ensure_plugins_loaded()
    plugins = {plugin["name"]: plugin for plugin in plugins_manager.get_plugin_info()}
    expect("partners" in plugins, f"the plugin is not loaded: {getattr(plugins_manager, 'import_errors', '')}")
    views = [view["name"] for view in plugins["partners"].get("external_views", [])]
    expected = [] if release.startswith("3.0.") else ["Partners"]
    expect(views == expected, f"the plugin shows the pages {views}")
    expect(len(plugins["partners"]["fastapi_apps"]) == len(expected), "the plugin serves its page on another release")


def check_dags(folder: Path) -> list[str]:
    """Load every file of a folder, and return the ids of its Dags; a file without a Dag is an error."""
    from airflow.sdk import DAG

    dag_ids = []
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"dags_{path.stem}", path)
        expect(spec is not None and spec.loader is not None, f"{path.name} can't be loaded")
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        of_file = [value.dag_id for value in vars(module).values() if isinstance(value, DAG)]
        expect(bool(of_file), f"{path.name} has no Dag")
        dag_ids += of_file
    return dag_ids


def expect(condition: bool, message: str) -> None:
    """End the process with a message unless a condition is true."""
    if not condition:
        raise SystemExit(message)


if __name__ == "__main__":
    from importlib.metadata import version

    expect(version("apache-airflow") == sys.argv[2], f"Airflow {version('apache-airflow')} is installed")
    modules = check_imports()
    check_provider()
    check_forms()
    check_page(sys.argv[2])
    dag_ids = check_dags(Path(sys.argv[1]))
    print(f"Airflow {sys.argv[2]}, Python {sys.version.split()[0]}: {modules} modules, Dags {dag_ids}")
