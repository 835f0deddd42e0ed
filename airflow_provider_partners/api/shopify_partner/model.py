"""The description of one Partner API list: its document, its filters, and the API versions that have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.shopify.graphql import UNSTABLE, is_at_least
from airflow_provider_partners.api.shopify_partner.permissions import PERMISSIONS
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerResource(Resource):
    """A list of the Partner API.

    :param document: the GraphQL document
    :param variables: the document's variable by argument: ``app_id``, ``shop_id``, ``conversation_id``, ``shop``,
        ``types``, ``since``, ``until``
    :param input_object: the input object that holds these variables; empty if they stand alone
    :param allowed_types: the values of ``types``
    :param id_namespace: namespace of its global ids. The API has two, and the numbers may differ between them
    :param required_arguments: required arguments, each with the reason
    :param shop_needs_app: whether ``shop_id`` requires ``app_id``
    :param names_shop: whether its records name a shop, so that they can be filtered by it here
    :param first_version: the first API version that has the list
    :param last_version: the last API version known to have the list; ``unstable`` is later than all
    :param max_window: the longest time range of one query
    """

    document: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    input_object: str = ""
    allowed_types: frozenset[str] = frozenset()
    id_namespace: str = "partners"
    required_arguments: Mapping[str, str] = field(default_factory=dict)
    shop_needs_app: bool = False
    names_shop: bool = True
    first_version: str = ""
    last_version: str = ""
    max_window: timedelta | None = None

    @property
    def permissions(self) -> tuple[str, ...]:
        """The permissions that the API client needs."""
        paginator = self.connection_paginator(None)
        return PERMISSIONS[paginator.connection_path.partition(".")[0]]

    def connection_paginator(self, size: int | None) -> ConnectionPaginator:
        """Return the paginator of the connection.

        :param size: records per page; the list's default if not given
        """
        return cast("ConnectionPaginator", self.sized_paginator(size))

    def bind_variables(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables of the given arguments.

        :param values: by argument; ``None`` means not given
        """
        variables = {self.variables[name]: value for name, value in values.items() if value is not None}
        return {self.input_object: variables} if self.input_object else variables

    def split_range(self, time_range: TimeRange, *, now: datetime) -> Iterator[TimeRange]:
        """Yield the parts of a time range that one query accepts, half open and without gaps.

        If the API limits the length of a range, no part ends in the future: how the API treats such an end is not
        documented.

        :param now: the present
        """
        since, until = time_range.since, time_range.until or now
        if self.max_window is not None and until > now:
            until = now
            if since is not None and since >= until:
                return
        while since is not None and self.max_window is not None and until - since > self.max_window:
            yield TimeRange(since, since + self.max_window)
            since += self.max_window
        yield TimeRange(since, until)

    def removal_notice(self) -> str:
        """Return the remedy to show if the API no longer has the list."""
        if not self.last_version:
            return ""
        return (
            f"Shopify removed '{self.name}' from its Partner API around 2025-07, without a successor. Versions up to "
            f"{self.last_version} had it, but for an expired version Shopify answers with a later one."
        )

    def check_arguments(self, values: Mapping[str, Any], api_version: str) -> None:
        """Raise for arguments that the API would refuse or misunderstand.

        :param values: by argument; ``None`` means not given
        :raises ConfigurationError: naming the argument
        """
        if self.first_version and not is_at_least(api_version, self.first_version):
            message = f"'{self.name}' exists since API version {self.first_version}, but {api_version} is configured"
            remedy = f"Set 'api_version' to {self.first_version} or later, or extract an app's 'app_events'."
            raise ConfigurationError(message, remedy=remedy)
        if self.last_version and (api_version == UNSTABLE or api_version > self.last_version):
            message = f"'{self.name}' exists up to API version {self.last_version}, but {api_version} is configured"
            raise ConfigurationError(message, remedy=self.removal_notice())
        for name in values.keys() - self.variables.keys() - {"shop"}:
            if values[name] is not None and name not in {"since", "until"}:
                message = f"'{self.name}' can't be filtered by '{name}'"
                raise ConfigurationError(message, remedy=f"Its filters are: {', '.join(self.variables)}.")
        for name, reason in self.required_arguments.items():
            if values.get(name) is None:
                message = f"'{self.name}' needs '{name}': {reason}"
                raise ConfigurationError(message, remedy=f"Set '{name}'.")
        if values.get("shop") is not None and not self.names_shop:
            message = f"'{self.name}' can't be filtered by 'shop': its records name no shop"
            raise ConfigurationError(message, remedy="Remove 'shop'.")
        if self.shop_needs_app and values.get("shop_id") is not None and values.get("app_id") is None:
            message = f"'{self.name}' accepts 'shop_id' only together with 'app_id'"
            raise ConfigurationError(message, remedy="Set 'app_id' too, or use 'shop', which is filtered here.")
