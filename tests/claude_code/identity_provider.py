"""An OpenID Connect provider on loopback with one person in it, who signs in without being asked."""

from __future__ import annotations

import base64
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from trivium.core import SystemClock

SUBJECT, EMAIL = "idp|7f3a", "Dev.One@example.com"


@contextmanager
def identity_provider(client_id: str) -> Iterator[str]:
    """Its issuer address, until the block ends."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    nonces: dict[str, str] = {}

    class Provider(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            del format, args

        def say(self, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            asked = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(asked.query))
            if asked.path == "/.well-known/openid-configuration":
                self.say(discovery(issuer))
            elif asked.path == "/keys":
                self.say({"keys": [public(key)]})
            elif asked.path == "/authorize":
                code = f"code-{len(nonces)}"
                nonces[code] = query.get("nonce", "")
                back = urllib.parse.urlencode({"code": code, "state": query["state"], "iss": issuer})
                self.send_response(302)
                self.send_header("location", f"{query['redirect_uri']}?{back}")
                self.end_headers()
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
            now = int(SystemClock().now().timestamp())
            claims = {"iss": issuer, "aud": client_id, "sub": SUBJECT, "email": EMAIL, "iat": now, "exp": now + 3600}
            if nonces.get(form.get("code", "")):
                claims["nonce"] = nonces[form["code"]]
            token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"})
            self.say({"access_token": "any", "token_type": "Bearer", "expires_in": 3600, "id_token": token})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def discovery(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def public(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()

    def word(value: int) -> str:
        data = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": word(numbers.n), "e": word(numbers.e)}
