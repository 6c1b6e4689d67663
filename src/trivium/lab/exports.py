"""What to export so that an SDK talks to the lab: addresses and the lab's fake credentials."""

from __future__ import annotations

import json
from pathlib import Path

from trivium.lab.server import WORKSPACE, LabServer

_REGION = "us-east-1"
_VERTEX_LOCATION = "global"


def exports(lab: LabServer, folder: Path) -> dict[str, dict[str, str]]:
    """Environment variables per surface; Google's credential file is written into `folder`."""
    found: dict[str, dict[str, str]] = {}
    for name in lab.names:
        if name == "anthropic":
            found[name] = {"ANTHROPIC_BASE_URL": lab.base_url(name), "ANTHROPIC_API_KEY": lab.key(name)}
        elif name == "claude-aws":
            found[name] = _claude_aws(lab)
        elif name == "bedrock":
            found[name] = _bedrock(lab)
        elif name == "bedrock-mantle":
            found[name] = {"ANTHROPIC_BEDROCK_MANTLE_BASE_URL": lab.base_url(name), **_aws(lab)}
        elif name == "vertex":
            found[name] = _vertex(lab, folder)
        elif name == "claude-gcp":
            found[name] = _claude_gcp(lab, folder)
        elif name == "foundry":
            found[name] = _foundry(lab)
    if lab.certificates is not None:
        ca = str(lab.certificates.ca_path)
        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        found["tls"] = dict.fromkeys(names, ca)
    return found


def _bedrock(lab: LabServer) -> dict[str, str]:
    return {
        "ANTHROPIC_BEDROCK_BASE_URL": lab.base_url("bedrock"),
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": lab.base_url("bedrock"),
        **_aws(lab),
    }


def _claude_aws(lab: LabServer) -> dict[str, str]:
    return {
        "ANTHROPIC_AWS_BASE_URL": lab.base_url("claude-aws"),
        "ANTHROPIC_AWS_WORKSPACE_ID": WORKSPACE,
        **_aws(lab),
    }


def _aws(lab: LabServer) -> dict[str, str]:
    """AWS's own variables, the same for each of its surfaces."""
    variables = {"AWS_REGION": _REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    if lab.identities is not None:
        credential = lab.identities.aws[0]
        variables["AWS_ACCESS_KEY_ID"] = credential.access_key_id
        variables["AWS_SECRET_ACCESS_KEY"] = credential.secret_access_key
    return variables


def _vertex(lab: LabServer, folder: Path) -> dict[str, str]:
    variables = {"ANTHROPIC_VERTEX_BASE_URL": lab.base_url("vertex"), "CLOUD_ML_REGION": _VERTEX_LOCATION}
    variables |= _google(lab, folder)
    if "GOOGLE_CLOUD_PROJECT" in variables:
        variables["ANTHROPIC_VERTEX_PROJECT_ID"] = variables.pop("GOOGLE_CLOUD_PROJECT")
    return variables


def _claude_gcp(lab: LabServer, folder: Path) -> dict[str, str]:
    return {"ANTHROPIC_GOOGLE_CLOUD_BASE_URL": lab.base_url("claude-gcp"), **_google(lab, folder)}


def _google(lab: LabServer, folder: Path) -> dict[str, str]:
    """Google's own variables, the same for each of its surfaces, with a credential file in `folder`."""
    variables: dict[str, str] = {}
    if lab.identities is not None:
        # Not an authorised user: Google's library sends its refresh token to Google, whatever the file says.
        account = lab.identities.google.service_account(f"{lab.url('signin')}/token")
        path = folder / "google-credentials.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(account))
        variables["GOOGLE_CLOUD_PROJECT"] = account["project_id"]
        variables["GOOGLE_APPLICATION_CREDENTIALS"] = str(path)
    return variables


def _foundry(lab: LabServer) -> dict[str, str]:
    variables = {
        "ANTHROPIC_FOUNDRY_BASE_URL": lab.base_url("foundry"),
        "ANTHROPIC_FOUNDRY_API_KEY": lab.key("foundry"),
    }
    if lab.identities is not None and lab.certificates is not None:  # Azure's library signs in over TLS alone
        variables["AZURE_AUTHORITY_HOST"] = lab.url("signin")
        variables["AZURE_TENANT_ID"] = lab.identities.entra.tenant
        variables["AZURE_CLIENT_ID"] = lab.identities.application.client_id
        variables["AZURE_CLIENT_SECRET"] = lab.identities.application.client_secret
    return variables
