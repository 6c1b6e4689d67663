"""The client side: one request at a time, as Claude Code sends it, and all that came back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from trivium.core import TriviumError

_SHOWN_MAX = 120  # characters of an answer's body in a line of evidence
_BODY_BYTES_MAX = 1 << 20  # no answer to these requests is longer


class Unreachable(TriviumError):
    """The gateway does not answer at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, or why there was none (`status` 0)."""

    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float
    trouble: str = ""
    hidden: str = field(default="", repr=False)  # the key, which a gateway may repeat in an error

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.status == 200  # noqa: PLR2004  HTTP's own number

    def json(self) -> Any:
        """The decoded body, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def error(self) -> tuple[str, str] | None:
        """Type and message of an error envelope, or None if it is none."""
        found = self.json()
        inner = found.get("error") if isinstance(found, dict) and found.get("type") == "error" else None
        if not isinstance(inner, dict) or not isinstance(inner.get("type"), str):
            return None
        return inner["type"], str(inner.get("message", ""))

    def line(self) -> str:
        """What was sent and what came back, in a line."""
        if not self.status:
            return f"{self.asked} -> no answer ({self.trouble})"
        error = self.error()
        told = f"{error[0]}: {error[1]}" if error else self.body.decode("utf-8", "replace")
        if self.hidden:
            told = told.replace(self.hidden, "(the key)")
        shown = " ".join(told.split())[:_SHOWN_MAX]
        return f"{self.asked} -> {self.status}" + (f" {shown}" if shown and not self.ok else "")


class Client:
    """Asks one gateway with one key."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, key: str | None, timeout_s: float) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s

    def credential(self, *, api_key: bool = False) -> dict[str, str]:
        """The header that carries the key, if there is one."""
        if self._key is None:
            return {}
        return {"x-api-key": self._key} if api_key else {"authorization": f"Bearer {self._key}"}

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        api_key: bool = False,
        on_bytes: Callable[[bytes], None] | None = None,
    ) -> Answer:
        """Send one request and read the answer to its end; `on_bytes` gets all that has come, as it comes."""
        asked = f"{method} {path}"
        started_s = asyncio.get_running_loop().time()

        def answer(status: int, told: Mapping[str, str], data: bytes, trouble: str = "") -> Answer:
            lower = {name.lower(): value for name, value in told.items()}
            return Answer(
                asked, status, lower, data, asyncio.get_running_loop().time() - started_s, trouble, self._key or ""
            )

        try:
            async with self._session.request(
                method,
                self._base_url + path,
                headers={**self.credential(api_key=api_key), **(headers or {})},
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            ) as response:
                data = b""
                async for part in response.content.iter_any():
                    data = (data + part)[:_BODY_BYTES_MAX]
                    if on_bytes is not None:
                        on_bytes(data)
                return answer(response.status, response.headers, data)
        except TimeoutError:
            return answer(0, {}, b"", f"nothing within {self._timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return answer(0, {}, b"", str(error) or type(error).__name__)
