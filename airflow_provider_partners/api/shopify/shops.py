"""Shop domains in the forms in which users and Shopify write them."""

from __future__ import annotations

import re

from airflow_provider_partners.arguments import check_text
from airflow_provider_partners.exceptions import ConfigurationError

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.[a-z]+")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]*")
_ADMIN_PAGE = re.compile(r"(?:https?://)?admin\.shopify\.com/store/([a-z0-9][a-z0-9-]*)(?:[/?#].*)?", re.IGNORECASE)
"""The address of a shop's admin, which names the shop as its permanent domain does."""


def shop_domain(value: str) -> str:
    """Return a shop's permanent domain.

    ``a``, ``A.myshopify.com``, ``https://a.myshopify.com/admin`` and ``https://admin.shopify.com/store/a`` all give
    ``a.myshopify.com``. Shopify declares the field as a URL but returns a bare domain.

    :param value: a domain, a URL, or the part before ``.myshopify.com``
    :raises ConfigurationError: if it is none of them
    """
    if value != "":
        check_text("shop", value)
    admin_page = _ADMIN_PAGE.fullmatch(value.strip())
    domain = admin_page.group(1).lower() if admin_page else normalize_domain(value)
    if _HANDLE.fullmatch(domain):
        domain = f"{domain}.myshopify.com"
    if not _DOMAIN.fullmatch(domain):
        message = f"'shop' is {value!r}, which is not a myshopify.com domain"
        raise ConfigurationError(message, remedy="Write the shop's permanent domain, such as a.myshopify.com.")
    return domain


def normalize_domain(value: str) -> str:
    """Return a domain in lower case, without scheme, port and path.

    :param value: a domain or a URL
    """
    return re.sub(r"^[a-z]+://", "", value.strip().lower()).partition("/")[0].partition(":")[0]


def is_admin_page(url: str) -> bool:
    """Return True for the address of a shop's admin, which serves people and no API.

    :param url: such as ``https://admin.shopify.com/store/a``
    """
    return bool(_ADMIN_PAGE.fullmatch(url.strip()))
