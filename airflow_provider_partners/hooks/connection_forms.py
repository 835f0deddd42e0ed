"""The connection forms declared in ``get_provider_info``, in the shapes that hooks and Airflow need.

Airflow 3.2 and later read the declarations directly. Airflow 3.0 and 3.1 need WTForms fields from the hook class;
they are built here from the same declarations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Mapping


def connection_type(conn_type: str) -> Mapping[str, Any]:
    """Return the declaration of a connection type, such as ``yofi``."""
    types: Any = get_provider_info()["connection-types"]
    return next(entry for entry in types if entry["connection-type"] == conn_type)


def extra_fields(conn_type: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the extras of a connection type: name to label, description and JSON schema."""
    extras: Mapping[str, Mapping[str, Any]] = connection_type(conn_type)["conn-fields"]
    return extras


def field_label(conn_type: str, standard_field: str) -> str:
    """Return the form's label of a standard field, such as ``Signing secret`` for Yofi's ``password``."""
    name = connection_type(conn_type)["ui-field-behaviour"]["relabeling"].get(standard_field, standard_field)
    return str(name)


def field_behaviour(conn_type: str) -> dict[str, Any]:
    """Return how the form shows the standard fields, with the keys that hook classes use."""
    return {key.replace("-", "_"): value for key, value in connection_type(conn_type)["ui-field-behaviour"].items()}


def form_widgets(conn_type: str) -> dict[str, Any]:
    """Return the extras as WTForms fields. The library is imported here because only Airflow 3.0 and 3.1 need it."""
    from flask_appbuilder.fieldwidgets import (  # type: ignore[import-not-found,unused-ignore]
        BS3PasswordFieldWidget,
        BS3TextFieldWidget,
    )
    from wtforms import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
        IntegerField,
        PasswordField,
        StringField,
    )
    from wtforms.validators import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
        Optional,
        any_of,
    )

    form_fields = {}
    for name, field in extra_fields(conn_type).items():
        schema = field["schema"]
        secret = schema.get("format") == "password"
        kind = IntegerField if "integer" in schema["type"] else PasswordField if secret else StringField
        form_fields[name] = kind(
            field["label"],
            widget=BS3PasswordFieldWidget() if secret else BS3TextFieldWidget(),
            validators=[Optional(), *([any_of(schema["enum"])] if "enum" in schema else [])],
            description=field["description"],
        )
    return form_fields
