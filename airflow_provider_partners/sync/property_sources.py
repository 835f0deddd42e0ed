"""Where the value of a custom property comes from: a path, a product option, a metafield, an attribute, a constant.

A mapping names the source of each property as text::

    {"delivery_type": "shippingLine.title", "gift": "attribute:Gift", "channel": "constant:web"}
    {"color": "option:Color|Colour", "model": "metafield:custom.model", "vendor": ["vendor", "product.vendor"]}

A source is relative to its record: the order, the order's line, or the line's product. In the mapping of a line,
``order.`` leads to the order. A list of sources takes the first one that has a value, and a step of a path may name
alternatives: ``shippingAddress|billingAddress.countryCodeV2``. A number, ``True`` and ``False`` are constants, and so
is any value as ``{"value": "web"}``, as in :mod:`~airflow_provider_partners.sync.columns`. ``None`` switches off what
is sent by default.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product as combinations
from types import MappingProxyType
from typing import Any, Literal

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.sync.values import decode_json, items, read_constant, text

log = logging.getLogger("airflow_provider_partners.sync")

Level = Literal["order", "line", "product"]
PropertyType = Literal["flag", "text", "state", "country", "phone", "address"]

PROPERTY_TYPES: Mapping[Level, Mapping[str, PropertyType]] = MappingProxyType({
    "order": MappingProxyType({
        "delivery_type": "text",
        "customer_state": "state",
        "customer_country": "country",
        "customer_address": "address",
        "customer_phonenumber": "phone",
        "custom": "text",
        "coupon_used": "flag",
        "suppress_review_request": "flag",
    }),
    "line": MappingProxyType({
        "color": "text",
        "size": "text",
        "vendor": "text",
        "material": "text",
        "model": "text",
        "custom": "text",
        "coupon_used": "flag",
        "suppress_review_request": "flag",
    }),
    "product": MappingProxyType({"is_blocklisted": "flag", "review_form_tag": "text"}),
})
"""The custom properties that Yotpo documents, with their types. Other keys are the merchant's own.

Sources: https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments and
https://core-api.yotpo.com/reference/products.
"""

DEFAULT_SOURCES: Mapping[Level, Mapping[str, Any]] = MappingProxyType({
    "order": MappingProxyType({
        # One address for both, so that a country never comes with a state of another one.
        "customer_country": "shippingAddress|billingAddress.countryCodeV2",
        "customer_state": "shippingAddress|billingAddress.provinceCode",
        "delivery_type": "shippingLine.title",
    }),
    "line": MappingProxyType({
        # The line's vendor is the one of the day of the order; the product's may change later.
        "vendor": ("vendor", "product.vendor"),
        "color": "option:Color|Colour|Farbe|Couleur|Colore|Kleur|Cor|Färg|Farve|Farge|カラー|色",
        "size": "option:Size|Größe|Grösse|Taille|Talla|Tamaño|Taglia|Maat|Tamanho|Storlek|Størrelse|サイズ",
        "material": "option:Material|Materiaal|Matière|Matériau|Materiale|素材",
    }),
    "product": MappingProxyType({}),
})
"""What is sent without any mapping. Names of options are the merchant's words, in the merchant's language."""

MAX_PROPERTIES = 100
"""Custom properties of one object that Yotpo takes (https://core-api.yotpo.com/reference/orders)."""

_NAME = re.compile(r"[a-z0-9_]{1,32}")
"""The name of a custom property (https://core-api.yotpo.com/reference/working-with-custom-properties)."""

_STEP = r"[A-Za-z_]\w*(?:\|[A-Za-z_]\w*)*"
_PATH = re.compile(rf"{_STEP}(?:\.{_STEP})*")
_PREFIXED = re.compile(r"(?:(?P<path>[^:]+)\.)?(?P<kind>[^:.]*):(?P<name>.*)", re.DOTALL)
_METAFIELD = re.compile(r"(?P<namespace>[^\s\"]+)\.(?P<key>[\w-]+)")
_KINDS = ("path", "option", "metafield", "attribute", "constant")
_FORMS = (
    "Write a path (shippingLine.title), option:Color|Colour, metafield:custom.model, attribute:Engraving or "
    "constant:web."
)

_HOLDERS: Mapping[Level, Mapping[str, str]] = MappingProxyType({
    "order": MappingProxyType({"metafield": "", "attribute": ""}),
    "line": MappingProxyType({"metafield": "product", "attribute": "", "option": "variant"}),
    "product": MappingProxyType({"metafield": "", "option": ""}),
})
"""The object that has it, where a source names none. Shopify's line items have no metafields of their own."""

_RECORD_PATHS: Mapping[Level, str] = MappingProxyType({
    "order": "",
    "line": "lineItems",
    "product": "lineItems.product",
})
"""The path from an order to the record of a level."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a property.

    :param kind: ``path``, ``option``, ``metafield``, ``attribute`` or ``constant``
    :param steps: the path of the value, or of the object that has the option, metafield or attribute; each step with
        its alternatives
    :param names: names of the option, or namespace and key of the metafield, or name of the attribute
    :param constant: the value itself
    :param of_order: True if the path begins at the order
    """

    kind: str
    steps: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()
    constant: Any = None
    of_order: bool = False

    def read(self, record: Any, order: Any) -> Any:
        """Return the value: one, or a list of several; ``None`` if there is none.

        :param record: of the mapping's level
        :param order: the order it belongs to
        """
        if self.kind == "constant":
            return self.constant
        found = _find(order if self.of_order else record, self.steps)
        if not found:
            return None
        if self.kind != "path":
            found = [value for holder in found for value in _READERS[self.kind](holder, self.names)]
        return found[0] if len(found) == 1 else found or None

    def fields(self, level: Level) -> Iterator[str]:
        """Yield the fields of an order that the source reads, as ``fields`` of an extract operator takes them."""
        if self.kind == "constant":
            return
        record_path = "" if self.of_order else _RECORD_PATHS[level]
        for steps in combinations(*self.steps):
            path = ".".join([*([record_path] if record_path else []), *steps])
            if self.kind == "path":
                yield path
            elif self.kind == "metafield":
                yield f"{path}.metafield:{'.'.join(self.names)}".removeprefix(".")
            else:
                for name in _PAIRS[self._list_name(steps)]:
                    yield f"{path}.{self._list_name(steps)}.{name}".removeprefix(".")

    def _list_name(self, steps: tuple[str, ...]) -> str:
        if self.kind == "attribute":
            return "customAttributes"
        return "selectedOptions" if steps[-1:] == ("variant",) else "options"


_PAIRS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "customAttributes": ("key", "value"),
    "selectedOptions": ("name", "value"),
    "options": ("name", "values"),
})
"""The fields of a name and a value, by the list that has both."""


@dataclass(frozen=True, slots=True)
class PropertyMapping:
    """The sources of the custom properties of one level, with the defaults.

    :param sources: the sources of each property; the first one with a value counts
    :param switched_off: properties that are not sent, whatever else would set them
    """

    level: Level
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()

    def fields(self) -> list[str]:
        """Return the fields of an order that the sources read."""
        named = (name for sources in self.sources.values() for source in sources for name in source.fields(self.level))
        return list(dict.fromkeys(named))


def parse_properties(level: Level, value: Any) -> PropertyMapping:
    """Return the sources of a level's properties: those of the mapping, and the defaults of the others.

    :param value: the mapping of property to source
    :raises ValueError: for a wrong name or source; it names all of them
    """
    if not isinstance(value, Mapping):
        message = f"a mapping of property to source is needed, not a {type(value).__name__}"
        # Pydantic takes a ValueError for a wrong value, and no TypeError.
        raise ValueError(message)  # noqa: TRY004
    problems: list[str] = []
    sources: dict[str, tuple[Source, ...]] = {}
    for name, written in {**DEFAULT_SOURCES[level], **value}.items():
        try:
            _check_name(level, name)
            parts = written if isinstance(written, list | tuple) else [written]
            sources[name] = tuple(_parse_source(level, part) for part in parts if part is not None)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    sources = {name: found for name, found in sources.items() if found}
    if len(sources) > MAX_PROPERTIES:
        problems.append(f"{len(sources)} properties are more than Yotpo takes, which are {MAX_PROPERTIES}")
    if problems:
        raise ValueError("; ".join(problems))
    off = frozenset(name for name, written in value.items() if written is None)
    return PropertyMapping(level, sources, off)


def required_fields(
    order_properties: Mapping[str, Any] | None = None,
    line_properties: Mapping[str, Any] | None = None,
    product_properties: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return what an extraction of orders has to ask Shopify for, so that every mapped property can be read.

    >>> required_fields({"delivery_type": None, "gift": "attribute:Gift"}, {"model": "metafield:custom.model"})[-1]
    'lineItems.product.metafield:custom.model'

    :param order_properties: of :class:`~airflow_provider_partners.sync.options.MappingOptions`
    :param line_properties: of the same
    :param product_properties: of the same
    :returns: ``fields`` of :class:`~airflow_provider_partners.operators.shopify_admin.ShopifyAdminExtractOperator`
    :raises ValueError: for a wrong name or source
    """
    levels: Mapping[Level, Mapping[str, Any] | None] = {
        "order": order_properties,
        "line": line_properties,
        "product": product_properties,
    }
    named = (name for level, value in levels.items() for name in parse_properties(level, value or {}).fields())
    return list(dict.fromkeys(named))


def _check_name(level: Level, name: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        message = "a name has lower-case letters, digits and underscores, and at most 32 of them"
        raise ValueError(message)
    if name not in PROPERTY_TYPES[level]:
        _warn_of_similar_name(level, name)


@cache
def _warn_of_similar_name(level: Level, name: str) -> None:
    """Log once that a name is almost a documented one: Yotpo would do nothing with the property, in silence."""
    if nearest := suggest(name, PROPERTY_TYPES[level]):
        log.warning("The property '%s' of the %s is none that Yotpo documents%s", name, level, nearest)


def _parse_source(level: Level, written: Any) -> Source:
    constant = read_constant(written)
    value = constant.value if constant else written
    if isinstance(value, bool | int | float) or (constant and isinstance(value, str)):
        return Source("constant", constant=value)
    if not isinstance(written, str):
        message = f"a {type(value).__name__} is no source. {_FORMS}"
        # Pydantic takes a ValueError for a wrong value, and no TypeError.
        raise ValueError(message)  # noqa: TRY004
    match = _PREFIXED.fullmatch(written.strip())
    if match is None:
        steps, of_order = _parse_path(level, written.strip())
        return Source("path", steps, of_order=of_order)
    kind, name = match["kind"], match["name"].strip()
    if kind not in _KINDS or kind in {"path", "constant"}:
        message = f"'{written}' has an unknown kind of source '{kind}'{suggest(kind, _KINDS)}. {_FORMS}"
        raise ValueError(message)
    if kind not in _HOLDERS[level] and not match["path"]:
        message = f"'{written}': {'an order' if level == 'order' else 'a product'} has no {kind}s of its own"
        raise ValueError(message)
    steps, of_order = _parse_path(level, match["path"] or _HOLDERS[level].get(kind, ""))
    if of_order and not match["path"].partition(".")[2]:
        steps = ()
    return Source(kind, steps, _parse_names(kind, name, written), of_order=of_order)


def _parse_names(kind: str, name: str, written: str) -> tuple[str, ...]:
    if kind == "metafield":
        match = _METAFIELD.fullmatch(name)
        if match is None:
            message = f"'{written}' needs the namespace and the key of a metafield: metafield:custom.model"
            raise ValueError(message)
        return match["namespace"], match["key"]
    names = tuple(part.strip() for part in name.split("|")) if kind == "option" else (name,)
    if not all(names):
        message = f"'{written}' names no {kind}. {_FORMS}"
        raise ValueError(message)
    return names


def _parse_path(level: Level, path: str) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Return the steps of a path, and True if it begins at the order of a line or product."""
    if path and not _PATH.fullmatch(path):
        message = f"'{path}' is no path. {_FORMS}"
        raise ValueError(message)
    steps = tuple(tuple(step.split("|")) for step in path.split(".")) if path else ()
    of_order = level != "order" and steps[:1] == (("order",),)
    return (steps[1:] if of_order else steps), of_order


def _find(value: Any, steps: tuple[tuple[str, ...], ...]) -> list[Any]:
    """Return what a path leads to. Objects in objects are most of what paths lead through, and need no generators."""
    for index, names in enumerate(steps):
        if type(value) is not dict or "nodes" in value or "edges" in value:
            return list(_walk(value, steps[index:]))
        for name in names:
            found = value.get(name)
            # Most are texts or objects with something in them. Zero and False are values, too.
            if found or (found is not None and found not in _EMPTY):
                break
        else:
            return []
        value = found
    if type(value) is str or value is None:
        return [value] if value else []
    return list(_walk(value, ()))


_EMPTY: tuple[Any, ...] = (None, "", {}, [])


def _walk(value: Any, steps: tuple[tuple[str, ...], ...]) -> Iterator[Any]:
    """Yield what a path leads to. A list leads to each of its members."""
    members = items(value) if isinstance(value, Mapping) and value.keys() & {"nodes", "edges"} else value
    if isinstance(members, list | tuple):
        for member in members:
            yield from _walk(member, steps)
    elif not steps:
        if members is not None and members != "":
            yield members
    elif isinstance(members, Mapping):
        alternatives = (members.get(name) for name in steps[0])
        chosen = next((each for each in alternatives if each not in _EMPTY), None)
        yield from _walk(chosen, steps[1:])


def _read_option(holder: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield the value of the first option that has one of the names, in any case."""
    if not isinstance(holder, Mapping):
        return
    values: dict[str, Any] = {}
    for option in [*items(holder.get("selectedOptions")), *items(holder.get("options"))]:
        value = option.get("value") if option.get("value") is not None else option.get("values")
        values.setdefault((text(option.get("name")) or "").casefold(), value)
    value = next((values[name.casefold()] for name in names if name.casefold() in values), None)
    yield from _walk(value, ())


def _read_attribute(holder: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield the attribute's value: by its exact name first, then in any case."""
    attributes = items(holder.get("customAttributes")) if isinstance(holder, Mapping) else []
    for same in (str, str.casefold):
        for attribute in attributes:
            if same(str(attribute.get("key"))) == same(names[0]) and text(attribute.get("value")):
                yield attribute["value"]
                return


def _read_metafield(holder: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield the metafield's value, typed as its JSON is. A list of values is several."""
    if not isinstance(holder, Mapping):
        return
    namespace, key = names
    metafields = holder.get("metafields")
    found: Any = metafields.get(f"{namespace}.{key}") if isinstance(metafields, Mapping) else None
    if found is None:
        same = (each for each in items(metafields) if (each.get("namespace"), each.get("key")) == names)
        found = next(same, None)
    if isinstance(found, Mapping) and found.keys() & {"value", "jsonValue"}:
        typed = found.get("jsonValue")
        # A single line of text is text, even if it looks like JSON.
        is_text = str(found.get("type") or "").endswith(("text_field", "id", "url", "color"))
        found = typed if typed is not None else found.get("value") if is_text else decode_json(found.get("value"))
    yield from (_written_out(value) for value in _walk(found, ()))


def _written_out(value: Any) -> Any:
    """Return a measurement, an amount or a rating as one value, such as ``2.5 kg``.

    See https://shopify.dev/docs/apps/build/metafields/list-of-data-types.
    """
    if not isinstance(value, Mapping):
        return value
    number = value.get("value", value.get("amount"))
    unit = value.get("unit", value.get("currency_code"))
    return value if number is None else f"{number} {unit}" if unit else str(number)


_READERS = MappingProxyType({
    "option": _read_option,
    "attribute": _read_attribute,
    "metafield": _read_metafield,
})
"""What reads each kind of source from the object that has it."""
