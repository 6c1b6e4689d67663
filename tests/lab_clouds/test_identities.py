"""Tokens and certificates: what is issued, what is believed, and for how long."""

from __future__ import annotations

import json
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography import x509

from lab_clouds.helpers import AT, exchange, setup
from trivium.core import ManualClock, SystemClock
from trivium.lab.auth import Application, Certificates, EntraIdentity, GoogleIdentity, Identities
from trivium.lab.auth.google import JWT_GRANT, SCOPE
from trivium.lab.surfaces import signin
from trivium.lab.surfaces._base import Exchange, Refused, Reply

APPLICATION = Application("app-id", "app-secret", "subscription")
AI = "https://ai.azure.com"


def _post(path: str, form: dict[str, str]) -> Exchange:
    return exchange(path, body=urlencode(form).encode(), headers={"Host": "lab:1"})


def _json(reply: Reply | None) -> dict[str, Any]:
    assert reply is not None
    return dict(json.loads(reply.body))


def _google(clock: ManualClock) -> GoogleIdentity:
    return GoogleIdentity(clock=clock, seed=1, project="proj")


def _assertion(info: dict[str, str], **changes: Any) -> str:
    now = int(AT.timestamp())
    claims = {"iss": info["client_email"], "scope": SCOPE, "iat": now, "exp": now + 3600, "aud": "http://lab:1/token"}
    return jwt.encode({**claims, **changes}, info["private_key"], algorithm="RS256")


def _exchange_assertion(google: GoogleIdentity, assertion: str) -> dict[str, Any]:
    return _json(google.handle(_post("/token", {"grant_type": JWT_GRANT, "assertion": assertion})))


def test_a_google_token_is_believed_for_its_hour() -> None:
    clock = ManualClock(AT)
    google = _google(clock)
    granted = _exchange_assertion(google, _assertion(google.service_account("http://lab:1/token")))
    assert granted["expires_in"] == 3599
    assert google.verify(granted["access_token"], AT) == "proj"
    clock.advance(timedelta(seconds=3598))
    assert google.verify(granted["access_token"], AT) == "proj"
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Refused) as refused:
        google.verify(granted["access_token"], AT)
    assert (refused.value.status, refused.value.native) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://elsewhere/token"}, "Failed audience check"),
        ({"exp": int(AT.timestamp()) + 3700}, "short-lived token"),
        ({"iat": int(AT.timestamp()) - 9000, "exp": int(AT.timestamp()) - 5400}, "short-lived token"),
        ({"exp": None}, "short-lived token"),
        ({"scope": ""}, "Invalid OAuth scope"),
        ({"iss": "nobody@proj"}, "account not found"),
    ],
)
def test_an_assertion_that_is_not_right_grants_nothing(changes: dict[str, Any], error: str) -> None:
    google = _google(ManualClock(AT))
    answer = _exchange_assertion(google, _assertion(google.service_account("u"), **changes))
    assert error in answer["error_description"]
    assert "access_token" not in answer


def test_an_assertion_must_be_rs256() -> None:
    google = _google(ManualClock(AT))
    info = google.service_account("u")
    claims = {"iss": info["client_email"], "scope": SCOPE, "aud": "http://lab:1/token"}
    shared = jwt.encode(claims, "0123456789abcdef0123456789abcdef", algorithm="HS256")
    assert _exchange_assertion(google, shared)["error_description"] == "Invalid JWT Signature."
    assert _exchange_assertion(google, "no.jwt")["error"] == "invalid_grant"


def test_a_refresh_token_needs_its_own_client() -> None:
    google = _google(ManualClock(AT))
    info = google.authorized_user("u")
    form = {"grant_type": "refresh_token", **{name: info[name] for name in ("refresh_token", "client_id")}}
    good = _json(google.handle(_post("/token", {**form, "client_secret": info["client_secret"]})))
    assert google.verify(good["access_token"], AT) == "proj"
    assert _json(google.handle(_post("/token", {**form, "client_secret": "x"})))["error"] == "invalid_client"
    assert _json(google.handle(_post("/token", {"grant_type": "refresh_token"})))["error"] == "invalid_grant"
    assert _json(google.handle(_post("/token", {"grant_type": "password"})))["error"] == "unsupported_grant_type"


def test_the_metadata_server_answers_those_who_name_its_flavor() -> None:
    google = _google(ManualClock(AT))
    root, flavor = "/computeMetadata/v1/", {"Metadata-Flavor": "Google"}

    def get(path: str) -> Reply:
        reply = google.handle(exchange(path, method="GET", headers=flavor))
        assert reply is not None
        assert reply.headers["metadata-flavor"] == "Google"
        return reply

    token = _json(get(root + "instance/service-accounts/default/token"))["access_token"]
    assert google.verify(token, AT) == "proj"
    assert get(root + "project/project-id").body == b"proj"
    assert _json(get(root + "instance/service-accounts/default/?recursive=true"))["scopes"] == [SCOPE]
    assert get(root + "instance/service-accounts/default/email").body.endswith(b".iam.gserviceaccount.com")
    assert get("/").status == 200
    assert get(root + "instance/zone").status == 404
    bare = google.handle(exchange(root + "project/project-id", method="GET"))
    assert bare is not None
    assert bare.status == 403


def test_google_auth_reads_the_metadata_server_through_the_sign_in_surface() -> None:
    from google.auth.compute_engine import Credentials

    google = _google(ManualClock(AT))
    surface = signin.build(setup({"google": google}))

    class Answer:
        def __init__(self, reply: Reply) -> None:
            self.status, self.headers, self.data = reply.status, reply.headers, reply.body

    def request(url: str, method: str = "GET", headers: dict[str, str] | None = None, **_: object) -> Answer:
        path = "/" + url.split("/", 3)[3]
        return Answer(surface.other(exchange(path, method=method, headers=headers)))

    credentials = Credentials(scopes=[SCOPE])
    credentials.refresh(request)
    assert google.verify(credentials.token, AT) == "proj"


def _entra(clock: ManualClock | None = None) -> EntraIdentity:
    return EntraIdentity([APPLICATION], clock=clock or ManualClock(AT), tenant="t-1")


def _token_form(**changes: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": "app-id",
        "client_secret": "app-secret",
        "scope": f"{AI}/.default",
        **changes,
    }


def test_an_entra_token_is_believed_until_it_expires() -> None:
    clock = ManualClock(AT)
    entra = _entra(clock)
    granted = _json(entra.handle(_post("/t-1/oauth2/v2.0/token", _token_form())))
    assert granted["expires_in"] == 3599
    assert entra.verify(granted["access_token"], AT) == "subscription"
    clock.advance(timedelta(seconds=3599))
    with pytest.raises(Refused) as refused:
        entra.verify(granted["access_token"], AT)
    assert (refused.value.status, refused.value.native) == (401, "401")


def test_a_token_for_another_audience_tenant_or_key_is_not_believed() -> None:
    entra, other = _entra(), _entra()
    tokens = [
        EntraIdentity([APPLICATION], clock=ManualClock(AT), tenant="t-2").issue(APPLICATION, AI),
        other.issue(APPLICATION, AI),
        entra.issue(APPLICATION, "https://graph.microsoft.com"),
        entra.issue(Application("unknown", "x"), AI),
        jwt.encode({"aud": AI, "appid": "app-id"}, "", algorithm="none"),
        "eyJ",
    ]
    for token in tokens:
        with pytest.raises(Refused):
            entra.verify(token, AT)
    assert entra.verify(entra.issue(APPLICATION, AI), AT) == "subscription"


@pytest.mark.parametrize(
    ("path", "changes", "code"),
    [
        ("/t-2/oauth2/v2.0/token", {}, 90002),
        ("/t-1/oauth2/v2.0/token", {"client_secret": "x"}, 7000215),
        ("/t-1/oauth2/v2.0/token", {"client_id": "x"}, 700016),
        ("/t-1/oauth2/v2.0/token", {"grant_type": "password"}, 70003),
        ("/t-1/oauth2/v2.0/token", {"scope": AI}, 1002012),
        ("/t-1/oauth2/v2.0/token", {"scope": "https://x/.default"}, 500011),
    ],
)
def test_each_sign_in_error_has_its_aadsts_code(path: str, changes: dict[str, str], code: int) -> None:
    answer = _json(_entra().handle(_post(path, _token_form(**changes))))
    assert answer["error_codes"] == [code]
    assert answer["error_description"].startswith(f"AADSTS{code}: ")


def test_discovery_names_the_host_that_was_asked() -> None:
    entra = _entra()
    config = _json(entra.handle(exchange("/t-1/v2.0/.well-known/openid-configuration", method="GET",
                                         headers={"Host": "lab:1"})))  # fmt: skip
    assert config["token_endpoint"] == "https://lab:1/t-1/oauth2/v2.0/token"
    instance = _json(entra.handle(exchange("/common/discovery/instance", method="GET", headers={"Host": "lab:1"})))
    assert instance["tenant_discovery_endpoint"] == "https://lab:1/t-1/v2.0/.well-known/openid-configuration"
    keys = _json(entra.handle(exchange("/t-1/discovery/v2.0/keys", method="GET")))["keys"]
    token = entra.issue(APPLICATION, AI)
    public = jwt.PyJWK(keys[0]).key
    checked = jwt.decode(token, public, algorithms=["RS256"], audience=AI, options={"verify_exp": False})
    assert checked["tid"] == "t-1"


def test_sign_in_refuses_what_nobody_serves() -> None:
    surface = signin.build(setup({"google": _google(ManualClock(AT)), "entra": _entra()}))
    with pytest.raises(Refused) as refused:
        surface.other(exchange("/nowhere", method="GET"))
    assert surface.refuse(refused.value, exchange("/nowhere")).status == 404


def test_the_certificate_authority_can_sign_servers_only_for_the_lab(tmp_path: Path) -> None:
    made = Certificates.create(tmp_path / "tls", ManualClock(AT), ("localhost", "127.0.0.1", "bedrock.lab"))
    ca = x509.load_pem_x509_certificate(made.ca_path.read_bytes())
    server = x509.load_pem_x509_certificate(made.server_path.read_bytes())
    server.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "bedrock.lab"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert server.not_valid_before_utc < AT < server.not_valid_after_utc == datetime(2026, 12, 22, 15, 10, tzinfo=UTC)
    assert stat.S_IMODE(made.key_path.stat().st_mode) == 0o600
    assert made.server_context().verify_mode == ssl.CERT_NONE
    assert made.client_context().verify_mode == ssl.CERT_REQUIRED


def test_certificates_made_twice_in_a_folder_still_fit_together(tmp_path: Path) -> None:
    Certificates.create(tmp_path, SystemClock())
    made = Certificates.create(tmp_path, SystemClock())
    made.server_context()


def test_identities_are_shared_by_the_surfaces() -> None:
    identities = Identities.create(clock=SystemClock(), seed=1)
    options = identities.options()
    assert set(options) == {"aws", "google", "entra", "wall"}
    assert Identities.create(clock=SystemClock(), check_signature_time=False).options()["wall"] is None
    assert identities.google.issue() != identities.google.issue()
    assert identities.google.issue() != Identities.create(clock=SystemClock(), seed=2).google.issue()
