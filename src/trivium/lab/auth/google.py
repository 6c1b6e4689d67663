"""Google's part: a token endpoint (service-account and refresh-token grants), a metadata server, opaque access tokens.

Tokens live on wall time, because the clients' libraries count their hour on it; the lab's own clock may run on trace
time. So the verifier keeps its clock and does not look at the `now` it is handed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from trivium.core import Clock
from trivium.lab.surfaces._base import Exchange, Refused, Reply, json_reply

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PUBLIC_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  an address: google-auth signs it as audience
TOKEN_PATH = "/token"  # noqa: S105  a path
METADATA_ROOT = "/computeMetadata/v1/"
TOKEN_LIFE = timedelta(seconds=3599)
ASSERTION_LIFE_MAX = timedelta(hours=1)
ASSERTION_SKEW_MAX = timedelta(minutes=10)
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_RSA_BITS, _RSA_EXPONENT = 2048, 65537


@dataclass(frozen=True, slots=True)
class _ServiceAccount:
    email: str
    project: str
    key_id: str
    public_key: rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class _Refresh:
    client_id: str
    client_secret: str
    project: str


@dataclass(frozen=True, slots=True)
class _Token:
    account: str
    scopes: frozenset[str]
    expires_at: datetime


class GoogleIdentity:
    """Google's accounts in the lab. The account behind a token is a project, which partitions caches and limits."""

    def __init__(
        self, *, clock: Clock, seed: int, project: str = "lab-project", token_life: timedelta = TOKEN_LIFE
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._project = project
        self._token_life = token_life
        self._issued = 0
        self._accounts: dict[str, _ServiceAccount] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._tokens: dict[str, _Token] = {}

    def service_account(self, token_uri: str, *, name: str = "lab", project: str | None = None) -> dict[str, str]:
        """A new service account, as the JSON key file that google-auth reads."""
        project = project or self._project
        email = f"{name}@{project}.iam.gserviceaccount.com"
        key = rsa.generate_private_key(public_exponent=_RSA_EXPONENT, key_size=_RSA_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key_id = hashlib.sha256(pem).hexdigest()[:40]
        self._accounts[email] = _ServiceAccount(email, project, key_id, key.public_key())
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": key_id,
            "private_key": pem.decode(),
            "client_email": email,
            "client_id": str(int(key_id[:16], 16)),
            "token_uri": token_uri,
        }

    def authorized_user(self, token_uri: str, *, project: str | None = None) -> dict[str, str]:
        """A new user's refresh token, as the JSON that `gcloud auth application-default login` leaves."""
        project = project or self._project
        number = len(self._refresh)
        client = {
            "client_id": f"{number}-lab.apps.googleusercontent.com",
            "client_secret": "GOCSPX-" + self._opaque(f"client {number}", 20),
            "refresh_token": "1//" + self._opaque(f"refresh {number}", 48),
        }
        self._refresh[client["refresh_token"]] = _Refresh(client["client_id"], client["client_secret"], project)
        return {"type": "authorized_user", "quota_project_id": project, "token_uri": token_uri, **client}

    def issue(
        self, account: str | None = None, *, scopes: frozenset[str] = frozenset({SCOPE}), token: str | None = None
    ) -> str:
        """A new access token, `ya29.…`; a given one is accepted from now on instead."""
        if token is None:
            self._issued += 1
            token = "ya29." + self._opaque(f"token {self._issued}", 96)
        now = self._clock.now()
        self._tokens = {
            held: entry for held, entry in self._tokens.items() if entry.expires_at > now - self._token_life
        }
        self._tokens[token] = _Token(account or self._project, scopes, now + self._token_life)
        return token

    def verify(self, credential: str, now: datetime) -> str:  # noqa: ARG002  see the module: tokens live on wall time
        """The project behind an access token; raises Refused as Google's front end does."""
        token = self._tokens.get(credential)
        if token is None or token.expires_at <= self._clock.now():
            raise Refused(
                401,
                "authentication_error",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-"
                "project.",
                native="UNAUTHENTICATED",
            )
        if SCOPE not in token.scopes:
            message = "Request had insufficient authentication scopes."
            raise Refused(403, "permission_error", message, native="PERMISSION_DENIED")
        return token.account

    def handle(self, exchange: Exchange) -> Reply | None:
        """The answer of the token endpoint or the metadata server, None for any other path."""
        if exchange.path == TOKEN_PATH and exchange.method == "POST":
            form = {name: values[-1] for name, values in parse_qs(exchange.body.decode("utf-8", "replace")).items()}
            return self._grant(form, exchange)
        if exchange.method == "GET" and (exchange.path == "/" or exchange.path.startswith(METADATA_ROOT)):
            return self._metadata(exchange)
        return None

    def _grant(self, form: Mapping[str, str], exchange: Exchange) -> Reply:
        grant = form.get("grant_type", "")
        if grant == JWT_GRANT:
            return self._service_account_grant(form.get("assertion", ""), exchange)
        if grant == "refresh_token":
            return self._refresh_grant(form)
        return _oauth_error(400, "unsupported_grant_type", f"Invalid grant_type: {grant}")

    def _service_account_grant(self, assertion: str, exchange: Exchange) -> Reply:
        try:
            unverified = jwt.decode(assertion, options={"verify_signature": False})
            account = self._accounts[str(unverified.get("iss"))]
        except jwt.InvalidTokenError:
            return _oauth_error(400, "invalid_grant", "Invalid JWT: could not be parsed.")
        except KeyError:
            return _oauth_error(400, "invalid_grant", "Invalid grant: account not found")
        try:
            # Times are checked below on the lab's clock, the audience against two addresses.
            options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
            claims = jwt.decode(assertion, account.public_key, algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError:
            return _oauth_error(400, "invalid_grant", "Invalid JWT Signature.")
        if not self._timely(claims):
            message = (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
                "iat and exp values in the JWT claim."
            )
            return _oauth_error(400, "invalid_grant", message)
        host = exchange.headers.get("host", "")
        if claims.get("aud") not in {PUBLIC_TOKEN_URI, f"https://{host}{TOKEN_PATH}", f"http://{host}{TOKEN_PATH}"}:
            return _oauth_error(400, "invalid_grant", "Invalid JWT: Failed audience check.")
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            return _oauth_error(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return self._granted(self.issue(account.project, scopes=scopes))

    def _timely(self, claims: Mapping[str, Any]) -> bool:
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            return False
        now = self._clock.now().timestamp()
        skew = ASSERTION_SKEW_MAX.total_seconds()
        return issued - skew <= now <= expires + skew and 0 < expires - issued <= ASSERTION_LIFE_MAX.total_seconds()

    def _refresh_grant(self, form: Mapping[str, str]) -> Reply:
        held = self._refresh.get(form.get("refresh_token", ""))
        if held is None:
            return _oauth_error(400, "invalid_grant", "Bad Request")
        if (form.get("client_id"), form.get("client_secret")) != (held.client_id, held.client_secret):
            return _oauth_error(401, "invalid_client", "Unauthorized")
        return self._granted(self.issue(held.project), {"scope": SCOPE})

    def _granted(self, token: str, more: Mapping[str, str] | None = None) -> Reply:
        seconds = int(self._token_life.total_seconds())
        body = {"access_token": token, "expires_in": seconds, "token_type": "Bearer", **(more or {})}
        return json_reply(200, body, {"cache-control": "no-store"})

    def _metadata(self, exchange: Exchange) -> Reply:
        flavor = {"metadata-flavor": "Google"}
        if exchange.headers.get("metadata-flavor") != "Google":
            return Reply(403, {"content-type": "text/plain", **flavor}, b"Missing Metadata-Flavor:Google header.")
        what = unquote(exchange.path).removeprefix(METADATA_ROOT)
        parts = what.strip("/").split("/")
        if what in {"/", ""}:
            return Reply(200, {"content-type": "text/plain", **flavor}, b"computeMetadata/\n")
        if what == "project/project-id":
            return Reply(200, {"content-type": "application/text", **flavor}, self._project.encode())
        if parts[:2] == ["instance", "service-accounts"] and len(parts) in {3, 4}:
            email = f"default@{self._project}.iam.gserviceaccount.com"
            if parts[3:] == ["token"]:
                scopes = parse_qs(exchange.query).get("scopes", [SCOPE])[-1]
                reply = self._granted(self.issue(scopes=frozenset(scopes.replace(",", " ").split())))
                return Reply(200, {**reply.headers, **flavor}, reply.body)
            if parts[3:] == ["email"]:
                return Reply(200, {"content-type": "application/text", **flavor}, email.encode())
            if not parts[3:]:
                return json_reply(200, {"aliases": ["default"], "email": email, "scopes": [SCOPE]}, flavor)
        return Reply(404, {"content-type": "text/plain", **flavor}, b"Not Found")

    def _opaque(self, label: str, length: int) -> str:
        digest = hashlib.blake2b(f"{self._seed} {label}".encode(), digest_size=64).digest()
        return base64.urlsafe_b64encode(digest * 2).decode()[:length]


def _oauth_error(status: int, error: str, description: str) -> Reply:
    return json_reply(status, {"error": error, "error_description": description}, {"cache-control": "no-store"})
