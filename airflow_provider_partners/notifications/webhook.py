"""A notifier that posts what a run did to a webhook, as JSON."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from airflow.sdk import BaseNotifier

from airflow_provider_partners._compat import BaseHook, in_thread, mask_secret
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError
from airflow_provider_partners.hooks.lookups import find_connection
from airflow_provider_partners.notifications.run_message import RunMessage, partner_summary

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.transport import Transport

__all__ = ["PartnerWebhookNotifier"]

_PLACEHOLDER = "{password}"
"""In the URL of a connection, it stands for the connection's password."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class PartnerWebhookNotifier(BaseNotifier):
    """Posts what a run did to a webhook, as JSON: a chat, an incident service, or a server of your own.

    Use it as ``on_failure_callback`` or ``on_success_callback`` of a Dag or task, and as callback of a
    :class:`~airflow.sdk.DeadlineAlert`. A delivery that fails is repeated within ``timeout``, with the same
    ``Idempotency-Key``: a receiver may get a message twice.

    .. seealso:: :doc:`/how-to/alerting`

    :param webhook_conn_id: connection of any type. Its host is the URL, ``https://…``. The password is sent as bearer
        token, or with the login as basic authentication. If the URL contains ``{password}``, the password is put there
        instead (templated)
    :param payload: the JSON to post, in which templates may use ``partner_summary()``; by default the fields of
        :class:`~airflow_provider_partners.notifications.run_message.RunMessage` with its ``text`` (templated)
    :param timeout: seconds for a delivery with its repetitions
    :param context: Airflow passes it to callbacks of a deadline
    """

    template_fields: Sequence[str] = ("webhook_conn_id", "payload")

    def __init__(
        self,
        *,
        webhook_conn_id: str = "partner_webhook",
        payload: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
        context: Any = None,
    ) -> None:
        super().__init__()
        # Airflow 3.0 knows no context here.
        self.context: Any = context or {}
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 600:
            message = f"'timeout' is {timeout!r}, and seconds from 0 to 600 are needed"
            raise ConfigurationError(message)
        self.webhook_conn_id = webhook_conn_id
        self.payload = payload
        self.timeout = float(timeout)

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render the templates, with ``partner_summary()`` for Dags that don't have it among their macros."""
        # `airflow dags test` passes the serialized Dag, which has no environment for templates.
        dag = context.get("dag")
        env = jinja_env or self.get_template_env(dag=dag if hasattr(dag, "get_template_env") else None)
        env.globals.setdefault("partner_summary", partner_summary)
        super().render_template_fields(context, env)

    def notify(self, context: Any) -> None:
        """Post the message.

        :raises ConfigurationError: when the connection has no URL, or the receiver does not exist
        :raises AuthenticationError: when the receiver refuses the credentials
        :raises TransientError: when it did not answer until the timeout
        """
        message = RunMessage.of(context)
        try:
            self._deliver(message)
        except PartnersError as error:
            # Without the frames below, whose local variables hold the password: a reporter of errors may record them.
            raise error.with_traceback(None) from None
        self.log.info("The message about %s was delivered by the connection %s", message.run_id, self.webhook_conn_id)

    def _deliver(self, message: RunMessage) -> None:
        from airflow_provider_partners.api.http.messages import Request

        body = self.payload if self.payload is not None else message.to_dict()
        key = f"{message.dag_id} {message.run_id} {message.state}"
        transport, path, params = self._transport()
        request = Request(
            method="POST",
            path=path,
            params=params,
            json=body,
            headers={"Idempotency-Key": hashlib.sha256(key.encode()).hexdigest()[:32]},
            label="message",
            expects_json=False,
            may_be_empty=True,
        )
        try:
            transport.send(request)
        finally:
            transport.close()

    async def async_notify(self, context: Any) -> None:
        """Post the message, in a thread: Airflow runs callbacks of a deadline in the triggerer."""
        await in_thread(lambda: self.notify(context))

    def _transport(self) -> tuple[Transport, str, tuple[tuple[str, str], ...]]:
        """Return the transport, and the path and query of the URL."""
        from airflow_provider_partners.api.http.auth import StaticHeaders
        from airflow_provider_partners.api.http.options import ClientOptions
        from airflow_provider_partners.api.http.redaction import Redactor
        from airflow_provider_partners.api.http.transport import Transport

        stored = find_connection(BaseHook.get_connection, self.webhook_conn_id, conn_type="generic")
        host, password = stored.host or "", stored.password or ""
        url = urlsplit(host.replace(_PLACEHOLDER, quote(password, safe="/")))
        if url.hostname is None or not (url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)):
            message = f"The host of the connection '{self.webhook_conn_id}' is no https URL"
            raise ConfigurationError(message, remedy="Write the whole URL in 'host', such as https://example.com/hook.")
        headers = {} if _PLACEHOLDER in host else _credentials(stored.login or "", password)
        secrets = [each for each in (password, *headers.values()) if each]
        if _PLACEHOLDER in host and password:
            secrets += [url.path, *(value for _, value in parse_qsl(url.query))]
        for secret in secrets:
            mask_secret(secret)
        transport = Transport(
            partner="Webhook",
            base_url=f"{url.scheme}://{url.netloc}",
            auth=StaticHeaders(headers) if headers else None,
            options=ClientOptions(deadline=self.timeout, max_wait=self.timeout, max_attempts=4),
            redactor=Redactor(*secrets),
        )
        return transport, url.path, tuple(parse_qsl(url.query, keep_blank_values=True))


def _credentials(login: str, password: str) -> dict[str, str]:
    """Return the header that authenticates, by login and password, or by a token alone."""
    if not password:
        return {}
    if login:
        return {"Authorization": f"Basic {base64.b64encode(f'{login}:{password}'.encode()).decode()}"}
    return {"Authorization": f"Bearer {password}"}
