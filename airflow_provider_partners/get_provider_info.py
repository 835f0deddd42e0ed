"""What Airflow reads of this provider: connection forms, options, links and modules. Pure data.

Every Airflow process loads this module, therefore it imports nothing. The connection forms are declared here only:
Airflow 3.2 and later read them from here, and ``hooks`` derives the older form methods and the checks of extras.
"""

from __future__ import annotations

__all__ = ["PACKAGE", "VERSION", "YOFI_CONSOLE_URL", "get_provider_info"]

PACKAGE = "airflow_provider_partners"
VERSION = "0.1.0"

YOFI_CONSOLE_URL = "https://admin.shopify.com/store/{shop}/apps"
"""Default page of a shop's Yofi: the apps in its Shopify admin, where the shop's users open Yofi."""


def _field(
    label: str, description: str, json_type: str = "string", *, default: object = None, **schema: object
) -> dict[str, object]:
    """Declare one extra of a connection form. None is required, so ``null`` is always allowed.

    The form stays empty. Airflow stores what a form shows, so a default in it would outlive an upgrade.

    :param default: the client's default, for the help text
    """
    shown = str(default).lower() if isinstance(default, bool) else default
    help_text = description if default is None else f"{description} Default: {shown}."
    return {"label": label, "description": help_text, "schema": {"type": [json_type, "null"], **schema}}


def _option(description: str, kind: str, default: str, example: str | None = None, **more: object) -> dict[str, object]:
    """Declare one option of the ``[partners]`` section."""
    return {
        "description": description,
        "version_added": VERSION,
        "type": kind,
        "example": example,
        "default": default,
        **more,
        # Without this, Airflow formats braces as its own variables; 3.0 crashes on an unknown one.
        **({"is_template": True} if "{" in default else {}),
    }


def _form(hidden: str, host: str, labels: dict[str, str]) -> dict[str, object]:
    """Declare how a connection form shows the standard fields."""
    labels = {"host": "Base URL", **labels}
    return {"hidden-fields": hidden.split(), "relabeling": labels, "placeholders": {"host": host}}


def _modules(role: str, by_integration: dict[str, tuple[str, ...]]) -> list[dict[str, object]]:
    """List the modules of a folder by integration."""
    return [
        {"integration-name": name, "python-modules": [f"{PACKAGE}.{role}.{module}" for module in modules]}
        for name, modules in by_integration.items()
    ]


_INTEGRATIONS = [
    {
        "integration-name": name,
        "external-doc-url": url,
        # Paths in the repository. The marks are drawn for this project: the partners' logos are theirs.
        "how-to-guide": [f"/docs/guides/{guide}.md"],
        "logo": f"/docs/integration-logos/{guide.replace('_', '-')}.svg",
        "tags": [tag],
    }
    for name, url, guide, tag in (
        ("Yofi", "https://docs.yofi.ai/", "yofi", "service"),
        ("Shopify Partner", "https://shopify.dev/docs/api/partner", "shopify_partner", "service"),
        ("Shopify Admin", "https://shopify.dev/docs/api/admin-graphql", "shopify_admin", "service"),
        ("Voucherify", "https://docs.voucherify.io/", "voucherify", "service"),
        ("Yotpo", "https://core-api.yotpo.com/", "yotpo", "service"),
        (
            "Tables and files",
            "https://airflow.apache.org/docs/apache-airflow-providers-common-sql/",
            "tables",
            "software",
        ),
    )
]

_MODULES: dict[str, tuple[str, ...]] = {
    "Yofi": ("yofi",),
    "Shopify Partner": ("shopify_partner",),
    "Shopify Admin": ("shopify_admin",),
    "Voucherify": ("voucherify",),
    "Yotpo": ("yotpo",),
}

_OPERATORS: dict[str, tuple[str, ...]] = {**_MODULES, "Tables and files": ("files", "sql")}

_SENSORS: dict[str, tuple[str, ...]] = {
    **{name: modules for name, modules in _MODULES.items() if name != "Shopify Admin"},
    "Tables and files": ("freshness",),
}

_TRIGGERS: dict[str, tuple[str, ...]] = {
    "Yofi": ("condition", "yofi"),
    "Shopify Partner": ("condition", "shopify_partner"),
    "Shopify Admin": ("job",),
    "Voucherify": ("condition", "job", "voucherify"),
    "Yotpo": ("condition",),
    "Tables and files": ("freshness",),
}

_LINKS = (
    "ShopifyAdminLink",
    "ShopifyPartnerLink",
    "YotpoLink",
    "VoucherifyLink",
    "YofiLink",
    "DatasetLink",
    "ReportLink",
)

_YOFI = {
    "connection-type": "yofi",
    "hook-class-name": "airflow_provider_partners.hooks.yofi.YofiHook",
    "hook-name": "Yofi",
    "conn-fields": {
        "auth_profile": _field(
            "Authentication profile",
            "service_account: the token names a service account, the shop goes in a header (integrations "
            "since 2026). legacy: the token names one shop of one organization.",
            default="service_account",
            enum=["service_account", "legacy"],
        ),
        "issuer": _field("Issuer", "Your partner id at Yofi; it becomes the token's issuer."),
        "subject": _field("Subject", "Your service account at Yofi. The legacy profile uses the shop instead."),
        "client_id": _field("Client id", "Your client id at Yofi.", default="backend-service"),
        "audience": _field(
            "Audience",
            "The token's audience, if Yofi gave you another one than yofi-public-api (legacy: Yofi); several with "
            "commas between them.",
        ),
        "organization_id": _field(
            "Organization id", "Required by the legacy profile; the other one sends it as a header if it is set."
        ),
        "shop": _field(
            "Shop",
            "The shop to read, such as a.myshopify.com; a task may set another one. The connection test needs it.",
        ),
        "platform": _field("Platform", "Name of the shop's platform inside Yofi.", default="shopify"),
        "algorithm": _field(
            "Signing algorithm", "How tokens are signed.", default="HS256", enum=["HS256", "HS384", "HS512"]
        ),
        "token_ttl": _field(
            "Token lifetime",
            "Seconds a token is valid; a new one is signed before it ends.",
            "integer",
            default=300,
            minimum=30,
            maximum=10000,
        ),
        "paths": _field(
            "Paths",
            'Paths of lists that differ from the default ones, as JSON: {"returns": "/ecommerce/returns/"}.',
            "object",
        ),
        "prediction_filter_param": _field(
            "Prediction filter parameter",
            "Name of the query parameter that filters returns by their predictions.",
            default="filter[EcommerceUnifiedReturnPrediction]",
        ),
        "page_size": _field("Page size", "Records per page.", "integer", default=100, minimum=1, maximum=1000),
        "console_url": _field(
            "Console", "Page that tasks link to; {shop} is the shop's name in its domain.", default=YOFI_CONSOLE_URL
        ),
    },
    "ui-field-behaviour": _form(
        "login port schema extra", "https://portal.public-api.services.yofi.ai", {"password": "Signing secret"}
    ),
}

_SHOPIFY_PARTNER = {
    "connection-type": "shopify_partner",
    "hook-class-name": "airflow_provider_partners.hooks.shopify_partner.ShopifyPartnerHook",
    "hook-name": "Shopify Partner",
    "conn-fields": {
        "organization_id": _field(
            "Organization id", "The number in the address of your Partner Dashboard: partners.shopify.com/<number>."
        ),
        "api_version": _field("API version", "A quarterly version of the Partner API.", default="2026-07"),
        "secondary_access_token": _field(
            "Second access token", "Used when the first token is refused, while tokens are rotated.", format="password"
        ),
        "locale": _field("Locale", "Language of error messages, such as en."),
        "requests_per_second": _field(
            "Requests per second",
            "Shopify allows a client 4; keep below.",
            "number",
            default=3.7,
            minimum=0.1,
            maximum=4,
        ),
    },
    "ui-field-behaviour": _form(
        "login port schema extra", "https://partners.shopify.com", {"password": "Access token"}
    ),
}

_SHOPIFY_ADMIN = {
    "connection-type": "shopify_admin",
    "hook-class-name": "airflow_provider_partners.hooks.shopify_admin.ShopifyAdminHook",
    "hook-name": "Shopify Admin",
    "conn-fields": {
        "auth": _field(
            "Authentication",
            "token: the password is the app's access token of the shop. client_credentials: login and "
            "password are the app's client id and secret, exchanged for a token.",
            default="token",
            enum=["token", "client_credentials"],
        ),
        "api_version": _field("API version", "A quarterly version of the Admin API.", default="2026-07"),
        "bulk_grouping": _field(
            "Group bulk files",
            "Slower, but the data written before a bulk operation failed is used.",
            "boolean",
            default=False,
        ),
    },
    "ui-field-behaviour": _form(
        "port schema extra",
        "https://{shop}.myshopify.com",
        {"login": "Client id (client credentials)", "password": "Access token or client secret"},
    ),
}

_VOUCHERIFY = {
    "connection-type": "voucherify",
    "hook-class-name": "airflow_provider_partners.hooks.voucherify.VoucherifyHook",
    "hook-name": "Voucherify",
    "conn-fields": {
        "auth": _field(
            "Authentication",
            "keys: a project's server-side keys. oauth: they are exchanged for tokens of 15 minutes. client: a "
            "client-side key. management: a key of the management API.",
            default="keys",
            enum=["keys", "oauth", "client", "management"],
        ),
        "oauth_scope": _field("OAuth scope", "Scopes of the token, separated by spaces.", default="api"),
        "origin": _field("Origin", "The origin that the project allows for a client-side key: https://shop.example."),
        "api_version": _field("API version", "Overrides the project's version.", default="v2018-08-01"),
        "requests_per_minute": _field(
            "Requests per minute", "Your plan's limit or less; the server lowers it further.", "number", minimum=1
        ),
    },
    "ui-field-behaviour": _form(
        "port schema extra",
        "https://api.voucherify.io",
        {
            "login": "Application id, or id of the client-side or management key",
            "password": "Secret key, or the other key's token",
            "host": "Base URL of your cluster (Europe; or us1.api, as1.api, your own)",
        },
    ),
}

_YOTPO = {
    "connection-type": "yotpo",
    "hook-class-name": "airflow_provider_partners.hooks.yotpo.YotpoHook",
    "hook-name": "Yotpo",
    "conn-fields": {
        "auth": _field(
            "Authentication",
            "secret: store id and API secret are exchanged for a token. oauth: the token endpoint for apps.",
            default="secret",
            enum=["secret", "oauth"],
        ),
        "requests_per_second": _field(
            "Requests per second", "All tasks of one store share it.", "number", default=4.7, minimum=0.1
        ),
    },
    "ui-field-behaviour": _form(
        "port schema extra", "https://api.yotpo.com", {"login": "Store id (app key)", "password": "API secret"}
    ),
}

_OPTIONS = {
    "staging_uri": _option(
        "Folder of the datasets between tasks: one that every worker sees, or object storage. Empty means "
        "``partners/staging`` below AIRFLOW_HOME, which works on one machine only.",
        "string",
        "",
        "s3://aws_default@bucket/partners",
    ),
    "budget_uri": _option(
        "Where the tasks of one credential share its rate limit: ``redis://host/0`` across workers, "
        "``sql://connection_id`` where there is no Redis (PostgreSQL, MySQL or SQLite, by an Airflow connection), "
        "``file:///folder`` on one machine, ``memory://`` per process. Empty means files in the machine's "
        "temporary folder. Redis has to allow transactions; no Lua is used.",
        "string",
        "",
        "redis://redis:6379/0",
        is_sensitive=True,
    ),
    "request_deadline": _option("Seconds one request may take, with its retries and waits.", "float", "300"),
    "max_wait": _option(
        "Longest wait, in seconds, that a throttled task sits out itself; for a longer one it gives its slot "
        "back until then.",
        "float",
        "60",
    ),
    "max_response_mb": _option(
        "Megabytes that one response may have after decompression. A larger one is refused, because it would fill the "
        "worker's memory.",
        "float",
        "64",
    ),
    "max_download_mb": _option(
        "Megabytes that one file of an export or a bulk operation may have. A larger one is refused, because it would "
        "fill the worker's disk.",
        "float",
        "20000",
    ),
    "max_pages": _option(
        "Pages of one list in one window, after which it counts as endless and the task fails. A longer window is read "
        "in parts by most lists.",
        "integer",
        "100000",
    ),
    "download_hosts": _option(
        "Further hosts, separated by commas, from which files of bulk operations and exports may be downloaded. Others "
        "than the partner's own storages are refused. Only a host with its full name may have a private address.",
        "string",
        "",
        "files.example.com, *.example.org",
    ),
    "max_reschedules": _option("How often a throttled task gives its slot back before it fails.", "integer", "24"),
    "parallel_calls": _option(
        "Parallel calls of one task: pages where a list allows it, writes to a store.", "integer", "4"
    ),
    "part_mb": _option(
        "Compressed megabytes after which a part file of a dataset is written. A task needs about three times as much "
        "memory.",
        "float",
        "32",
    ),
    "part_seconds": _option(
        "Seconds after which a part file is written in any case. A killed task reads again what its last part held.",
        "float",
        "60",
    ),
    "retention_days": _option(
        "Days after which the Dag partner_dataset_retention removes a staged dataset.", "integer", "30"
    ),
    "report_days": _option(
        "Days after which the Dag partner_dataset_retention removes the report of a run.", "integer", "180"
    ),
    "max_rejects": _option(
        "Records that may be rejected before a task fails: a share with a decimal point (0.1 is one in ten), or a "
        "count without (20). 0 allows none.",
        "string",
        "0.1",
    ),
    "reject_floor": _option(
        "Rejected records that a share in 'max_rejects' allows in any case: one reject of eight is no reason to fail. "
        "A 'max_rejects' of 0 and a count have no floor.",
        "integer",
        "5",
    ),
    "log_every": _option("Seconds between two lines of progress in a task's log.", "float", "15"),
    "lookback_minutes": _option(
        "How much earlier than its interval, or than a watermark, a run starts to read: new records appear late "
        "in the partners' lists.",
        "integer",
        "120",
    ),
    "show_personal_values": _option(
        "Whether the page in Airflow shows personal values of records, such as names and addresses, to users who may "
        "read the XComs of the Dag. Otherwise they are masked.",
        "boolean",
        "False",
    ),
}


def get_provider_info() -> dict[str, object]:
    """Return the provider's metadata, as shown by ``airflow providers get airflow-provider-partners --full``."""
    return {
        "package-name": "airflow-provider-partners",
        "name": "Partners",
        "description": "Yofi, Shopify, Voucherify and Yotpo: extract, wait, sync orders and fulfillments.",
        "integrations": _INTEGRATIONS,
        "hooks": _modules("hooks", _MODULES),
        "operators": _modules("operators", _OPERATORS),
        "sensors": _modules("sensors", _SENSORS),
        "triggers": _modules("triggers", _TRIGGERS),
        "connection-types": [_YOFI, _SHOPIFY_PARTNER, _SHOPIFY_ADMIN, _VOUCHERIFY, _YOTPO],
        "notifications": [f"{PACKAGE}.notifications.webhook.PartnerWebhookNotifier"],
        "extra-links": [f"{PACKAGE}.links.{link}" for link in _LINKS],
        "asset-uris": [
            {
                "schemes": [scheme],
                "handler": f"{PACKAGE}.assets.sanitize_uri",
                "factory": f"{PACKAGE}.assets.create_{module}_asset",
                "to_openlineage_converter": f"{PACKAGE}.assets.convert_asset_to_openlineage",
            }
            for scheme, module in (
                ("yofi", "yofi"),
                ("shopify-partner", "shopify_partner"),
                ("shopify-admin", "shopify_admin"),
                ("voucherify", "voucherify"),
                ("yotpo", "yotpo"),
            )
        ],
        "config": {"partners": {"description": "Options of the partners' hooks and operators.", "options": _OPTIONS}},
        "cli": [f"{PACKAGE}.cli.airflow_group.get_cli_commands"],
    }
