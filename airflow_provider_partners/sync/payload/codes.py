"""The codes of currencies, countries and languages that Yotpo takes: the real lists of ISO, by pycountry.

The lists are loaded with the first code (about 50 ms), since parsing a Dag needs none of them.
"""

from __future__ import annotations

from functools import cache

__all__ = ["country_codes", "currency_codes", "language_codes"]

KOSOVO = "XK"
"""ISO 3166-1 leaves it to users. The European Union, carriers and Shopify use it for Kosovo."""


@cache
def currency_codes() -> frozenset[str]:
    """Return the codes of ISO 4217 that are in force."""
    import pycountry

    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


@cache
def country_codes() -> frozenset[str]:
    """Return the codes of two letters of ISO 3166-1 that are in force, and Kosovo's."""
    import pycountry

    return frozenset({KOSOVO, *(country.alpha_2 for country in pycountry.countries)})


@cache
def language_codes() -> frozenset[str]:
    """Return the codes of two letters of ISO 639-1."""
    import pycountry

    return frozenset(language.alpha_2 for language in pycountry.languages if hasattr(language, "alpha_2"))
