"""``python -m airflow_provider_partners``: the commands of ``airflow partners``, in every version of Airflow 3."""

from __future__ import annotations

import sys

from airflow_provider_partners.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
