"""Makes an exchange fit to be shared: forms instead of texts, placeholders instead of ids, and no secret in any coding.

Three layers, each sufficient for what it knows. Only what is listed may be shown (`rules.toml`); everything else is
replaced by its form. Ids get placeholders that are the same for the same value. Last, whatever is written passes the
guard, which removes every part of a known secret, plain, URL-encoded, in base64 at any offset, or in hex.
"""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, quote_plus

REMOVED = "<removed>"
_PART = 8  # characters of a secret that must not be seen together
_SHORT = 4  # a shorter secret is none
_NUMBER_MAX = 10**9  # larger numbers are ids or times; no count here comes near
_NAME_WORD = r"(?:[a-z]+(?:[A-Z][a-z]+)*\d{0,2}|\d{1,2}[a-z]{0,2})"
_KEY = re.compile(rf":?{_NAME_WORD}(?:[_.-]{_NAME_WORD})*")
_KEY_LENGTH_MAX = 64
_WORD = re.compile(r"[a-z]+(?:[_./-][a-z0-9]{1,12})*|[A-Z]+(?:_[A-Z]+)*|[A-Z][a-z]+(?:[A-Z][a-z]+)*|\d{1,3}")
_MODEL = re.compile(r"(?:[a-z]{2,6}\.)?(?:anthropic\.)?claude-[a-z]*[a-z0-9.-]{0,40}(?:@\d{8})?(?:-v\d)?(?::\d)?")
_BETA = re.compile(r"[a-z]+(?:-[a-z0-9]{1,12}){0,6}-20\d\d-\d\d-\d\d|\*/\*")
_DATED = re.compile(r"(?:20\d\d)-?\d\d-?\d\d")
_ID = re.compile(r"(?:^|_|-)(?:id|ids|arn|signature|cursor|token)$|[a-z](?:Id|Arn)$")
_LISTS = ("calls.toml", "rules.toml")
_NO_SECRETS = frozenset({"x-amz-date", "x-amz-content-sha256", "host", "content-type"})
_SIGNED = re.compile(r"Credential=([^/]+)/.*Signature=([0-9a-f]+)")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]+ GMT")


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be shown."""

    headers: frozenset[str]
    fields: frozenset[str]
    words: frozenset[str]


@lru_cache(maxsize=1)
def shipped_rules() -> Rules:
    """The lists that come with the product."""
    raw = tomllib.loads((files("trivium.certify") / "rules.toml").read_text("utf-8"))["redaction"]
    return Rules(frozenset(raw["headers_shown"]), frozenset(raw["fields_shown"]), frozenset(raw["words"].split()))


class Guard:
    """Removes what it was told is secret, in whatever coding it stands, from any text."""

    def __init__(self) -> None:
        self._parts: set[str] = set()  # of credentials, each _PART characters long
        self._whole: set[str] = set()

    def credential(self, headers: Mapping[str, str]) -> None:
        """A credential's headers: no eight characters of it may be seen, in any coding. Its scheme is no secret."""
        for name, value in headers.items():
            if name.lower() in _NO_SECRETS:
                continue
            signed = _SIGNED.search(value)
            for piece in signed.groups() if signed else [value.removeprefix("Bearer ").strip()]:
                for form in _forms(piece.encode()) if len(piece) >= _SHORT else ():
                    if len(form) <= _PART:
                        self._whole.add(form)
                    else:
                        self._parts |= _parts(form) - _public()

    def name(self, value: str) -> None:
        """A name of the account (a project, a resource): it may not be seen whole."""
        if len(value) >= _SHORT:
            self._whole.update(_forms(value.encode()))

    def scrub(self, text: str) -> str:
        """The text without any of it."""
        hidden = [False] * len(text)
        for start in range(len(text) - _PART + 1):
            if text[start : start + _PART] in self._parts:
                hidden[start : start + _PART] = [True] * _PART
        for form in self._whole:
            position = text.find(form)
            while position >= 0:
                hidden[position : position + len(form)] = [True] * len(form)
                position = text.find(form, position + 1)
        if not any(hidden):
            return text
        shown: list[str] = []
        for character, secret in zip(text, hidden, strict=True):
            if not secret:
                shown.append(character)
            elif not shown or shown[-1] != REMOVED:
                shown.append(REMOVED)
        return "".join(shown)


def _parts(text: str) -> set[str]:
    return {text[start : start + _PART] for start in range(len(text) - _PART + 1)}


@lru_cache(maxsize=1)
def _public() -> set[str]:
    """Parts of words that the lists themselves hold, such as a surface's name, which a key may begin with."""
    return set().union(*(_parts((files("trivium.certify") / name).read_text("utf-8")) for name in _LISTS))


def _forms(secret: bytes) -> Iterable[str]:
    """The ways in which a text may stand inside another one."""
    plain = secret.decode("utf-8", "replace")
    yield plain
    yield plain.lower()
    yield plain.upper()
    for quoted in (quote(plain, safe=""), quote_plus(plain), quote(plain)):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    yield "".join(f"%{byte:02X}" for byte in secret)
    yield "".join(f"%{byte:02x}" for byte in secret)
    yield secret.hex()
    yield secret.hex().upper()
    for offset in range(3):  # where a secret begins inside a longer text decides how base64 writes it
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + secret).decode().rstrip("=")
            # characters that also hold bits of a neighbour are not the secret's alone
            inner = text[(offset * 8 + 5) // 6 : len(text) - (1 if (offset + len(secret)) % 3 else 0)]
            if len(inner) >= _SHORT:
                yield inner


class Redactor:
    """Turns values into what may be shown; one for a whole run, so that placeholders are stable."""

    def __init__(self, guard: Guard, rules: Rules | None = None) -> None:
        self.guard = guard
        self._rules = rules or shipped_rules()
        self._seen: dict[tuple[str, str], int] = {}

    def placeholder(self, kind: str, value: str) -> str:
        """The same mark for the same value, and no way back."""
        number = self._seen.setdefault((kind, value), 1 + sum(1 for known, _ in self._seen if known == kind))
        return f"<{kind} {number}>"

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Names as they are, listed values too, and the form of all others."""
        return {self.key(name): self._header(name, value) for name, value in sorted(headers.items())}

    def _header(self, name: str, value: str) -> str:
        if name in self._rules.headers:
            return ", ".join(self._listed(part.strip()) for part in value.partition(";")[0].split(","))
        if name == "x-amzn-errortype":
            return self.code(value.partition(":")[0])
        if value.isdecimal():
            return "<number>"
        return "<date>" if _DATE.fullmatch(value) else self.placeholder("value", value)

    def _listed(self, part: str) -> str:
        return self.guard.scrub(part) if _BETA.fullmatch(part) else self.code(part)

    def key(self, name: str) -> str:
        """A field or header name, or a mark if it looks like an id."""
        fits = len(name) <= _KEY_LENGTH_MAX and _KEY.fullmatch(name)
        return self.guard.scrub(name) if fits else "<key>"

    def code(self, text: str) -> str:
        """A word of an API: an event's name, an error's type."""
        shown = _WORD.fullmatch(text) or (_DATED.search(text) and re.fullmatch(r"[a-z]*-?[\d-]{8,10}", text))
        return self.guard.scrub(text) if shown and len(text) <= 64 else self._text(text)  # noqa: PLR2004  no word is longer

    def value(self, value: Any, field: str = "", inside: tuple[str, ...] = ()) -> Any:
        """A decoded JSON value with the same fields and types, and nothing in it that could be anybody's."""
        if isinstance(value, Mapping):
            return {self.key(str(name)): self.value(item, str(name), (*inside, field)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, field, inside) for item in value]
        if isinstance(value, str):
            return self._string(value, field, inside)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if abs(value) < _NUMBER_MAX else "<number>"
        return value

    def _string(self, value: str, field: str, inside: tuple[str, ...]) -> str:
        if field in self._rules.fields:
            return self.code(value)
        if field == "model":
            return self.guard.scrub(value) if _MODEL.fullmatch(value) else self.placeholder("model", value)
        if _ID.search(field):
            return self.placeholder("id", value)
        if _DATE.fullmatch(value):
            return "<date>"
        if field == "message" and (not inside[-1] or inside[-1] == "error"):
            return self.words(value)
        return self._text(value)

    def _text(self, value: str) -> str:
        return f"<text {len(value)}>"

    def words(self, text: str) -> str:
        """An error's text: the words that are on the list; a dot for each run of others."""
        shown: list[str] = []
        for word in re.findall(r"[A-Za-z]+(?:-[a-z]+)*|[^\sA-Za-z]+", text):
            if word.lower() in self._rules.words:
                shown.append(word.lower())
            elif not shown or shown[-1] != "·":
                shown.append("·")
        return self.guard.scrub(" ".join(shown))

    def path(self, url: str) -> str:
        """The path of an address: words of an API stay, names and ids of an account do not; the host never is shown."""
        place = url.partition("://")[2]
        path, _, query = place.partition("/")[2].partition("?")
        shown = "/" + "/".join(self._segment(segment) for segment in path.split("/"))
        return shown + (f"?{'&'.join(self._pair(pair) for pair in query.split('&'))}" if query else "")

    def _segment(self, segment: str) -> str:
        name, colon, verb = segment.partition(":")
        if colon and verb in {"rawPredict", "streamRawPredict"}:
            return f"{self._segment(name)}:{verb}"
        if segment in _PATH_WORDS:
            return segment
        return self.guard.scrub(segment) if _MODEL.fullmatch(segment) else self.placeholder("segment", segment)

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        shown = value if value.isdecimal() and len(value) <= 3 else self.placeholder("value", value)  # noqa: PLR2004  a page size
        return f"{self.key(name)}{equals}{shown}"


_PATH_WORDS = frozenset({
    "", "v1", "v1beta1", "anthropic", "messages", "count_tokens", "models", "model", "invoke", "converse",
    "invoke-with-response-stream", "converse-stream", "count-tokens", "projects", "locations", "publishers",
    "inference-profiles", "workspaces", "trivium-certify", "global", "us", "eu",
})  # fmt: skip
