"""Inside of one cell: the provider is found, every module imports without a warning of ours, forms show, Dags parse."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import sys
import warnings
from pathlib import Path
from typing import Any

OURS = "airflow_provider_partners"
TYPES = {"yofi", "shopify_partner", "shopify_admin", "voucherify", "yotpo"}


def imports() -> int:
    """Import every module; a warning raised in one of ours is an error."""
    package = importlib.import_module(OURS)
    found = [each.name for each in pkgutil.walk_packages(package.__path__, f"{OURS}.")]
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for name in found:
            if not name.endswith("__main__"):
                importlib.import_module(name)
    own = [str(warning.message) for warning in heard if OURS in warning.filename]
    expect(not own, f"warnings of ours: {own}")
    return len(found)


def provider() -> None:
    """Airflow finds the provider with its connection types."""
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    expect("airflow-provider-partners" in manager.providers, "the provider is not found")
    expect(set(manager.hooks) >= TYPES, f"connection types are missing: {TYPES - set(manager.hooks)}")
    for name in TYPES:
        expect(manager.hooks[name] is not None, f"the hook of {name} can't be imported")


def forms() -> None:
    """The fields of each connection show, by what this version's UI reads."""
    from airflow_provider_partners.get_provider_info import get_provider_info

    # Asked before Airflow 3.1 and 3.2 put a stand-in for it in its place.
    classic = importlib.util.find_spec("flask_appbuilder") is not None
    info: Any = get_provider_info()
    declared = {each["connection-type"]: set(each["conn-fields"]) for each in info["connection-types"]}
    shown: dict[str, set[str]] = {}
    try:
        from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

        for each in HookMetaService.hook_meta_data():
            shown[each.connection_type] = set(json.loads(each.model_dump_json()).get("extra_fields") or {})
    except ImportError:
        pass
    if not classic and not any(shown.get(name) for name in TYPES):
        # Airflow 3.0 shows no provider's fields at all without it; the fields are there for when it is.
        from airflow_provider_partners.hooks import connection_forms as ours

        shown = {name: set(ours.extra_fields(name)) for name in TYPES}
    for name in TYPES:
        expect(shown.get(name) == declared[name], f"the form of {name} shows {shown.get(name)}")


def dags(folder: Path) -> list[str]:
    """Every Dag is there, without an error."""
    from airflow.sdk import DAG

    found = []
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"dags_{path.stem}", path)
        expect(spec is not None and spec.loader is not None, f"{path.name} can't be loaded")
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        own = [value.dag_id for value in vars(module).values() if isinstance(value, DAG)]
        expect(bool(own), f"{path.name} has no Dag")
        found += own
    return found


def expect(holds: bool, otherwise: str) -> None:
    """Fail with a sentence."""
    if not holds:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    from importlib.metadata import version

    expect(version("apache-airflow") == sys.argv[2], f"Airflow {version('apache-airflow')} is installed")
    modules = imports()
    provider()
    forms()
    print(f"Airflow {sys.argv[2]}, Python {sys.version.split()[0]}: {modules} modules, Dags {dags(Path(sys.argv[1]))}")
