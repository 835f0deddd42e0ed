"""The command line: ``airflow partners …`` (Airflow 3.2 and later), or ``python -m airflow_provider_partners …``.

:mod:`~airflow_provider_partners.cli.commands` declares the commands as data, and each has a module that runs it.
Airflow loads the declaration with every ``airflow`` command, so it imports nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.cli.airflow_group import get_cli_commands as get_cli_commands
    from airflow_provider_partners.cli.main import main as main

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {"airflow_group": ["get_cli_commands"], "main": ["main"]})
