"""Canaries: a text of its own in every secret and every personal field, and a search that finds it in any encoding.

The personal fields are those that Shopify protects: names, addresses, telephone numbers and e-mail addresses
(https://shopify.dev/docs/apps/launch/protected-customer-data). And all where a person writes or is described: notes,
tags, free texts, custom attributes, metafields, IP addresses, and addresses of pages with tokens.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count, product
from string import ascii_lowercase
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlsplit

from airflow_provider_partners.sandbox.server import SandboxApp
from airflow_provider_partners.sandbox.store import Sandbox

MARK = "qzx"
"""Begins every canary: no word of a log, a manifest or a page has it."""

_CORE = re.compile(rf"{MARK}[a-z]{{5}}")
_PHONE = re.compile(r"1202[2-9]\d{6}")
_PACKED = re.compile(r"[A-Za-z0-9+/_-]{10,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-f]{2}){8,}")
_ESCAPE = re.compile(r"\\u00([0-9a-f]{2})|\\x([0-9a-f]{2})|&#(?:x([0-9a-f]{2})|(\d{2,3}));")

# name of a field, in lower case without separators: the form of its values
_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("firstname", "lastname", "customerfirstname", "customerlastname", "displayname"), "name"),
    **dict.fromkeys(
        ("address1", "address2", "line1", "line2", "street", "city", "zip", "postalcode", "postal"), "word"
    ),
    **dict.fromkeys(("company", "clientip", "ponumber", "birthdate", "birthday", "confirmationnumber"), "word"),
    **dict.fromkeys(("email", "emailaddress", "login"), "email"),
    **dict.fromkeys(("phone", "phonenumber"), "phone"),
    **dict.fromkeys(
        ("note", "note2", "message", "body", "justification", "reasondescription", "customernote"),
        "text",
    ),
    **dict.fromkeys(("statuspageurl", "landingpage", "referrerurl", "abandonedcheckouturl", "invoiceurl"), "url"),
    **dict.fromkeys(("fileurls", "cockpiturl"), "url"),
    "tags": "word",
}
_PLACES = frozenset({"order", "customer", "abandoned_checkout", "draft_order", "fulfillment_order", "customers"})
_PEOPLE = frozenset({
    *(
        "customer",
        "shippingaddress",
        "billingaddress",
        "defaultaddress",
        "destination",
        "address",
        "sentby",
        "customers",
    ),
})


class Canaries:
    """Makes canaries, plants them, and finds them."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        """What each canary stands for, by its text."""
        self.secrets: dict[str, str] = {}
        self._cores = map("".join, product(ascii_lowercase, repeat=5))
        self._numbers = count(2_000_000)

    def core(self, label: str) -> str:
        """Return a new canary of letters."""
        core = MARK + next(self._cores)
        self.labels[core] = label
        return core

    def value(self, form: str, label: str) -> str:
        """Return a text of a form, with a canary in it, and with what breaks a quotation, a page or a log."""
        if form == "phone":
            number = f"1202{next(self._numbers)}"
            self.labels[number] = label
            return f"+{number}"
        core = self.core(label)
        forms: Mapping[str, Callable[[], str]] = {
            "name": lambda: f"{core.capitalize()} O'Zoë",
            "word": core.capitalize,
            "email": lambda: f"{core}.x+y@{self.core(label)}.example.com",
            "text": lambda: (
                f"<script>alert('{core}')</script>\n\x1b[31mERROR\x1b[0m {{{{ {core} }}}} =cmd|' /C'!A0 & \"so\""
            ),
            "url": lambda: f"https://aurora-apparel.myshopify.com/x?token={core}",
        }
        return forms[form]()

    # --- planting ---

    def plant(self, sandbox: Sandbox) -> None:
        """Replace the personal values of all documents of a sandbox that is not served yet."""
        store: Any = sandbox.store
        changed = []
        for partner, shop, kind, id_, document in list(sandbox.store):
            if partner == "sandbox" or kind in {"shop", "location", "management_branding"}:
                continue
            if (partner, kind) == ("shopify_admin", "order"):
                _add_fields(document)
            planted = self._planted(document, (), f"{partner}.{kind}", kind)
            if planted != document:
                changed.append((json.dumps(planted, ensure_ascii=False), partner, shop, kind, id_))
        with store._lock, store._db:
            store._db.executemany(
                "UPDATE documents SET body = ? WHERE partner = ? AND shop = ? AND kind = ? AND id = ?", changed
            )

    def _planted(self, value: Any, path: tuple[str, ...], label: str, kind: str) -> Any:
        if isinstance(value, Mapping):
            return {name: self._planted(each, (*path, name), f"{label}.{name}", kind) for name, each in value.items()}
        if isinstance(value, list):
            return [self._planted(each, path, f"{label}[]", kind) for each in value]
        form = self._form(path, value, kind) if isinstance(value, str) and value else None
        return self.value(form, label) if form else value

    def _form(self, path: tuple[str, ...], value: str, kind: str) -> str | None:
        name = _plain(path[-1])
        parents = {_plain(each) for each in path[:-1]}
        if name == "name":
            is_person = bool(parents & _PEOPLE) or (kind == "customers" and len(path) == 1)
            return "name" if is_person and not value.startswith("#") else None
        if name == "value":
            in_free_place = bool(parents & {"customattributes", "noteattributes"})
            in_metafield = "metafields" in parents and kind in _PLACES and not re.fullmatch(r"[\d.]+|true|false", value)
            return "word" if in_free_place or in_metafield else None
        if name == "message" and kind != "event":
            return None
        if name == "displayname" and not (parents | {kind}) & _PEOPLE:
            return None
        if (name == "tags" and kind not in _PLACES) or "trackinginfo" in parents:
            return None
        return _FIELDS.get(name)

    # --- secrets ---

    def add_secrets(self, value: Any, label: str) -> None:
        """Remember the secrets of a connection, a token, or the query of a signed URL."""
        if isinstance(value, str) and len(value) >= 12:
            self.secrets.setdefault(value, label)

    def add_signed_url(self, url: str, label: str) -> None:
        for name, value in parse_qsl(urlsplit(url).query):
            if re.search("token|signature|secret|credential", name, re.IGNORECASE):
                self.add_secrets(value, f"{label}?{name}")

    def add_connections(self, environment: Mapping[str, str]) -> None:
        """Remember the secrets of the connections in an environment."""
        for name, value in environment.items():
            if name.startswith("AIRFLOW_CONN_"):
                connection = json.loads(value)
                extra = connection.get("extra") or {}
                for field in ("password", *(each for each in extra if re.search("token|secret|password", each))):
                    self.add_secrets(connection.get(field) or extra.get(field), f"{name}.{field}")

    @contextmanager
    def recorded(self) -> Iterator[list[str]]:
        """Remember the tokens, keys and signed URLs that any sandbox of this process sees or issues.

        :returns: the paths and queries of the requests
        """
        seen: list[str] = []
        build = SandboxApp.build_middleware_stack

        def with_recorder(app: SandboxApp) -> Any:
            return _Recorder(build(app), self, seen)

        with mock.patch.object(SandboxApp, "build_middleware_stack", with_recorder):
            yield seen

    # --- searching ---

    def found_in(self, text: str, *, personal: bool = True) -> dict[str, str]:
        """Return the canaries that a text contains in any encoding, with what they stand for.

        :param personal: search for personal values, and not for secrets alone
        """
        found: dict[str, str] = {}
        for each in _readings(text):
            found |= {form: label for form, label in self._secret_forms() if form in each}
            if personal:
                found |= self._personal_in(each)
        return found

    def _personal_in(self, text: str) -> dict[str, str]:
        low = text.lower()
        found = {core: self.labels.get(core, "a part of a canary") for core in _CORE.findall(low)}
        if MARK in low and not found:
            found[MARK] = "a part of a canary"
        digits = re.sub(r"(?<=\d)[\s().-]+(?=\d)", "", text)
        found |= {number: self.labels[number] for number in _PHONE.findall(digits) if number in self.labels}
        return found

    def _secret_forms(self) -> Iterator[tuple[str, str]]:
        for secret, label in self.secrets.items():
            for each in {secret, secret.replace("+", " ")}:
                for form in {each, each.lower(), each.upper(), json.dumps(each)[1:-1], repr(each)[1:-1]}:
                    yield form, label


class _Recorder:
    """Takes the secrets out of the requests and responses that pass."""

    def __init__(self, app: Any, canaries: Canaries, seen: list[str]) -> None:
        self._app, self._canaries, self._seen = app, canaries, seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, query = scope["path"], scope["query_string"].decode()
        self._seen.append(f"{path}?{query}")
        for name, value in scope["headers"]:
            if re.search(rb"authorization|token|secret", name):
                self._canaries.add_secrets(value.decode().rpartition(" ")[2], f"header {name.decode()} of {path}")
        for name, value in parse_qsl(query):
            if re.search("token|signature|secret", name, re.IGNORECASE):
                self._canaries.add_secrets(value, f"query {name} of {path}")
        body = bytearray()

        async def record(message: Any) -> None:
            if message["type"] == "http.response.body" and len(body) < 1_000_000:
                body.extend(message.get("body", b""))
                for found in _ISSUED.findall(bytes(body)):
                    self._canaries.add_secrets(found.decode(), f"issued by {path}")
                for found in _SIGNED_URL.findall(bytes(body)):
                    self._canaries.add_signed_url(json.loads(b'"' + found + b'"'), f"signed by {path}")
            await send(message)

        await self._app(scope, receive, record)


_ISSUED = re.compile(rb'"(?:access_token|token)"\s*:\s*"([^"]{12,})"')
_SIGNED_URL = re.compile(rb'"(?:url|partialDataUrl)"\s*:\s*"(https?:[^"]{12,}\?[^"]{12,})"')


def encodings(text: str) -> dict[str, str]:
    """Return a text in each encoding in which a secret may leave a program."""
    raw = text.encode()
    return {
        "plain": text,
        "upper": text.upper(),
        "lower": text.lower(),
        "url": quote(text, safe=""),
        "url twice": quote(quote(text, safe=""), safe=""),
        "form": quote_plus(text),
        "every byte of a url": "".join(f"%{byte:02X}" for byte in raw),
        "json": json.dumps(text),
        "json in json": json.dumps(json.dumps(text)),
        "json escapes": "".join(f"\\u{byte:04x}" for byte in raw),
        "repr": repr(text),
        "repr of bytes": repr(raw),
        "html": html.escape(text),
        "html numbers": "".join(f"&#{byte};" for byte in raw),
        "hex": raw.hex(),
        "base64": base64.b64encode(raw).decode(),
        "base64 of a pair": base64.b64encode(b"user:" + raw).decode(),
        "base64 of another pair": base64.b64encode(b"an-id:" + raw).decode(),
        "base64 for urls": base64.urlsafe_b64encode(raw + b"\xff\xfe").decode().rstrip("="),
        "deflated base64": base64.b64encode(zlib.compress(raw)).decode(),
        "cut": text[: len(text) - 2],
    }


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is, and decoded in every way that changes it."""
    yield text
    yield html.unescape(text)
    plain = text
    for _ in range(3):
        decoded = (
            _ESCAPE
            .sub(_unescape, html.unescape(unquote_plus(plain)).replace("\\\\", "\\"))
            .replace('\\"', '"')
            .replace("\\'", "'")
        )
        if decoded == plain:
            break
        plain = decoded
        yield plain
    yield from _unpacked(plain)


def _unescape(match: re.Match[str]) -> str:
    digits = match.group(1) or match.group(2) or match.group(3)
    return chr(int(digits, 16)) if digits else chr(int(match.group(4)))


def _unpacked(text: str) -> Iterator[str]:
    parts = [_base64(match) for match in set(_PACKED.findall(text))]
    parts += [binascii.unhexlify(match) for match in set(_HEX.findall(text.lower()))]
    yield "\n".join(part.decode("latin-1") for part in parts)


def _base64(text: str) -> bytes:
    stripped = text.rstrip("=")
    stripped = stripped[: len(stripped) // 4 * 4 + (0 if len(stripped) % 4 == 1 else len(stripped) % 4)]
    try:
        raw = base64.b64decode(
            stripped + "=" * (-len(stripped) % 4), altchars=b"-_" if {"-", "_"} & set(text) else None
        )
        return zlib.decompress(raw) if raw[:1] == b"x" else raw
    except (ValueError, zlib.error):
        return b""


def _add_fields(order: dict[str, Any]) -> None:
    order["note"] = "Leave it at the door"
    order["tags"] = ["vip customer"]
    order["clientIp"] = "203.0.113.7"
    order["customAttributes"] = [{"key": "gift message", "value": "Happy birthday"}]


def _plain(name: str) -> str:
    return re.sub(r"[_-]", "", name).lower()


def texts_of(values: Iterable[Any]) -> str:
    return "\n".join(each if isinstance(each, str) else json.dumps(each, default=repr) for each in values)
