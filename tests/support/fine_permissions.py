"""Airflow's simple auth manager, with one user who may read Dags and runs, but no XComs."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

WITHOUT_XCOMS = "without_xcoms"


class FinePermissions(SimpleAuthManager):
    """Decides as :class:`SimpleAuthManager` does, except for that user's XComs."""

    def is_authorized_dag(self, *, user: Any, access_entity: DagAccessEntity | None = None, **kwargs: Any) -> bool:
        """Return what the simple auth manager says, and False for XComs of the one user."""
        if user.username == WITHOUT_XCOMS and access_entity is DagAccessEntity.XCOM:
            return False
        return super().is_authorized_dag(user=user, access_entity=access_entity, **kwargs)
