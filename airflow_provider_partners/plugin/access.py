"""Who may see what, as Airflow's auth manager decides for each request."""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, HTTPException

from airflow_provider_partners._compat import team_of_dag

__all__ = ["Access", "RequestAccess"]

_REPORTS = (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE)
"""A report shows the runs of a Dag and the states of their tasks."""

_RECORDS = (*_REPORTS, DagAccessEntity.XCOM)
"""Records are what the tasks pass to each other."""


class Access:
    """What the user of one request may see.

    :param user: as Airflow's own API recognized them
    """

    def __init__(self, user: Any) -> None:
        self._user = user
        self._readable: set[str] | None = None

    def reads_reports(self, dag_id: str) -> bool:
        """Return True if the user may read the Dag, its runs and its tasks."""
        return self._reads(dag_id, _REPORTS)

    def reads_records(self, dag_id: str) -> bool:
        """Return True if the user may read what the Dag's tasks pass to each other, too."""
        return self._reads(dag_id, _RECORDS)

    def triggers(self, dag_id: str) -> bool:
        """Return True if the Dag exists, and the user may read it and start a run of it."""
        return dag_id in self._dags() and self._is_authorized("POST", dag_id, DagAccessEntity.RUN)

    def require_reports(self, dag_id: str) -> None:
        """Refuse a request for the reports of a Dag. Whether there are any is not part of the answer."""
        _require(self.reads_reports(dag_id))

    def require_records(self, dag_id: str) -> None:
        """Refuse a request for the records of a Dag."""
        _require(self.reads_records(dag_id))

    def _reads(self, dag_id: str, entities: tuple[DagAccessEntity, ...]) -> bool:
        return dag_id in self._dags() and all(self._is_authorized("GET", dag_id, entity) for entity in entities)

    def _dags(self) -> set[str]:
        """Return the Dags that exist and that the user may read."""
        if self._readable is None:
            self._readable = set(get_auth_manager().get_authorized_dag_ids(user=self._user))
        return self._readable

    def _is_authorized(self, method: Any, dag_id: str, entity: DagAccessEntity) -> bool:
        details = DagDetails(id=dag_id, team_name=team_of_dag(dag_id))
        return get_auth_manager().is_authorized_dag(
            method=method, access_entity=entity, details=details, user=self._user
        )


def _require(condition: bool) -> None:
    if not condition:
        raise HTTPException(403, "Forbidden")


def _request_access(user: Annotated[Any, Depends(get_user)]) -> Access:
    """Return what the user of the request may see; an anonymous request is refused with 401."""
    return Access(user)


RequestAccess = Annotated[Access, Depends(_request_access)]
