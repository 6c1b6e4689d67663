"""Microsoft Entra's part: discovery documents, the client-credentials token endpoint, signed access tokens.

Tokens live on wall time, as in `google`: the verifier keeps its clock and does not look at the `now` it is handed.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from trivium.core import Clock
from trivium.lab.surfaces._base import Exchange, Refused, Reply, json_reply

AUDIENCES = ("https://ai.azure.com", "https://cognitiveservices.azure.com")
TOKEN_LIFE = timedelta(seconds=3599)
LAB_TENANT = "11111111-2222-4333-8444-555555555555"
_RSA_BITS, _RSA_EXPONENT = 2048, 65537
_DEFAULT = "/.default"
_TRACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562's DNS namespace: ids derived from request ids


@dataclass(frozen=True, slots=True)
class Application:
    """A registered application with a secret; the account is what partitions the caches and limits of the surface."""

    client_id: str
    client_secret: str
    account: str = "lab-subscription"


class EntraIdentity:
    """One tenant. Signing keys are made at first use."""

    def __init__(
        self,
        applications: Iterable[Application],
        *,
        clock: Clock,
        tenant: str = LAB_TENANT,
        audiences: Iterable[str] = AUDIENCES,
        token_life: timedelta = TOKEN_LIFE,
    ) -> None:
        self._applications: Mapping[str, Application] = {held.client_id: held for held in applications}
        self._clock = clock
        self._audiences = tuple(audiences)
        self._token_life = token_life
        self._signing_key: rsa.RSAPrivateKey | None = None
        self.tenant = tenant

    @property
    def _key(self) -> rsa.RSAPrivateKey:
        if self._signing_key is None:
            self._signing_key = rsa.generate_private_key(public_exponent=_RSA_EXPONENT, key_size=_RSA_BITS)
        return self._signing_key

    @property
    def _key_id(self) -> str:
        return hashlib.sha256(str(self._key.public_key().public_numbers().n).encode()).hexdigest()[:27]

    @property
    def _issuer(self) -> str:
        return f"https://sts.windows.net/{self.tenant}/"

    def issue(self, application: Application, audience: str) -> str:
        """A signed access token for one resource."""
        now = int(self._clock.now().timestamp())
        claims = {
            "aud": audience,
            "iss": self._issuer,
            "iat": now,
            "nbf": now,
            "exp": now + int(self._token_life.total_seconds()),
            "appid": application.client_id,
            "appidacr": "1",
            "idtyp": "app",
            "oid": str(uuid.uuid5(_TRACE, application.client_id)),
            "sub": str(uuid.uuid5(_TRACE, application.client_id)),
            "tid": self.tenant,
            "ver": "1.0",
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def verify(self, credential: str, now: datetime) -> str:  # noqa: ARG002  see the module: tokens live on wall time
        """The account behind an access token; raises Refused with the status and code of the Azure front end."""
        try:
            # Times are checked below on the lab's clock.
            options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "nbf"]}
            claims = jwt.decode(
                credential,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=self._audiences,
                issuer=self._issuer,
                options=options,
            )
        except jwt.InvalidAudienceError as error:
            raise _unauthorized("audience is incorrect") from error
        except jwt.InvalidTokenError as error:
            raise _unauthorized("invalid") from error
        if not claims["nbf"] - 300 <= self._clock.now().timestamp() < claims["exp"]:
            raise _unauthorized("expired")
        application = self._applications.get(str(claims.get("appid")))
        if application is None:
            raise _unauthorized("invalid")
        return application.account

    def handle(self, exchange: Exchange) -> Reply | None:
        """The answer of the sign-in endpoints, None for any other path."""
        host = exchange.headers.get("host", "localhost")
        parts = exchange.path.strip("/").split("/")
        rest = "/".join(parts[1:])
        if exchange.method == "GET" and exchange.path == "/common/discovery/instance":
            return json_reply(200, _instance(host, self.tenant))
        if exchange.method == "GET" and rest in {
            "v2.0/.well-known/openid-configuration",
            ".well-known/openid-configuration",
        }:
            return self._openid(parts[0], host, exchange)
        if exchange.method == "GET" and rest in {"discovery/v2.0/keys", "discovery/keys"}:
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
            return json_reply(200, {"keys": [{**public, "use": "sig", "kid": self._key_id, "alg": "RS256"}]})
        if exchange.method == "POST" and rest == "oauth2/v2.0/token":
            form = {name: values[-1] for name, values in parse_qs(exchange.body.decode("utf-8", "replace")).items()}
            return self._grant(parts[0], form, exchange)
        return None

    def _openid(self, tenant: str, host: str, exchange: Exchange) -> Reply:
        if tenant != self.tenant:
            return self._unknown_tenant(tenant, exchange)
        base = f"https://{host}/{tenant}"
        return json_reply(
            200,
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "response_types_supported": ["code", "token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": None,
                "cloud_instance_name": host,
            },
        )

    def _grant(self, tenant: str, form: Mapping[str, str], exchange: Exchange) -> Reply:
        if tenant != self.tenant:
            return self._unknown_tenant(tenant, exchange)
        if form.get("grant_type") != "client_credentials":
            message = f"The app requested an unsupported grant type '{form.get('grant_type', '')}'."
            return self._error(exchange, 400, "unsupported_grant_type", 70003, message)
        client_id = form.get("client_id", "")
        application = self._applications.get(client_id)
        if application is None:
            message = (
                f"Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen "
                "if the application has not been installed by the administrator of the tenant."
            )
            return self._error(exchange, 400, "unauthorized_client", 700016, message)
        given, held = form.get("client_secret", ""), application.client_secret
        if not hmac.compare_digest(given.encode(), held.encode()):
            message = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{client_id}'."
            )
            return self._error(exchange, 401, "invalid_client", 7000215, message)
        wanted = [scope for scope in form.get("scope", "").split() if scope not in {"openid", "profile"}]
        if len(wanted) != 1 or not wanted[0].endswith(_DEFAULT):
            message = (
                f"The provided value for scope {form.get('scope', '')} is not valid. Client credential flows must have "
                "a scope value with /.default suffixed to the resource identifier (application ID URI)."
            )
            return self._error(exchange, 400, "invalid_scope", 1002012, message)
        audience = wanted[0].removesuffix(_DEFAULT)
        if audience not in self._audiences:
            message = f"The resource principal named {audience} was not found in the tenant named {tenant}."
            return self._error(exchange, 400, "invalid_resource", 500011, message)
        seconds = int(self._token_life.total_seconds())
        body = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": self.issue(application, audience),
        }
        return json_reply(200, body, {"cache-control": "no-store, no-cache"})

    def _unknown_tenant(self, tenant: str, exchange: Exchange) -> Reply:
        message = (
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud."
        )
        return self._error(exchange, 400, "invalid_tenant", 90002, message)

    def _error(self, exchange: Exchange, status: int, error: str, code: int, message: str) -> Reply:
        trace = str(uuid.uuid5(_TRACE, exchange.request_id))
        at = self._clock.now().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        description = f"AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {trace} Timestamp: {at}"
        return json_reply(
            status,
            {
                "error": error,
                "error_description": description,
                "error_codes": [code],
                "timestamp": at,
                "trace_id": trace,
                "correlation_id": trace,
            },
        )


def _instance(host: str, tenant: str) -> dict[str, Any]:
    alias = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    return {
        "tenant_discovery_endpoint": f"https://{host}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [alias],
    }


def _unauthorized(why: str) -> Refused:
    message = f"Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired ({why})."
    return Refused(401, "authentication_error", message, native="401")
