"""Credentials by reference: the settings name a place or a chain, this module makes what the gateway asks."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trivium.app.settings import CredentialReference, Settings, SurfaceEntry, surface_of
from trivium.core import UserError
from trivium.gateway import Credential
from trivium.gateway.credentials import FOUNDRY_SCOPE, ApiKey, AwsCredential, AzureCredential, Bearer, GoogleCredential

_GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_AWS_SERVICES = {  # the name a signature carries
    "bedrock": "bedrock",
    "bedrock-mantle": "bedrock-mantle",
    "claude-aws": "aws-external-anthropic",
}


def credentials_of(settings: Settings, base: Path) -> dict[str, Credential]:
    """One credential for each configured upstream, by its settings key."""
    return {key: _credential(key, entry, base) for key, entry in settings.surfaces.items()}


def _credential(key: str, entry: SurfaceEntry, base: Path) -> Credential:
    surface, reference = surface_of(key), entry.credential
    ca_file = base / entry.ca_file if entry.ca_file else None
    match reference.kind:
        case "api-key" if surface in _AWS_SERVICES:
            return Bearer(_secret(key, reference, base), surface=surface)
        case "api-key":
            header = "api-key" if surface == "foundry" else ""
            return ApiKey(_secret(key, reference, base), header=header, surface=surface)
        case "token":
            return Bearer(_secret(key, reference, base), surface=surface)
        case "aws":
            return AwsCredential(
                region=entry.region,
                profile=reference.profile or None,
                service=_AWS_SERVICES[surface],
                surface=surface,
            )
        case "google":
            find = _google_file(key, base / reference.file) if reference.file else None
            return GoogleCredential(surface=surface, find=find, ca_file=ca_file)
        case "azure":
            return AzureCredential(surface=surface, scope=reference.scope or FOUNDRY_SCOPE, ca_file=ca_file)


def _secret(key: str, reference: CredentialReference, base: Path) -> Callable[[], str]:
    """Reads the secret when it is needed, and again after a refusal: a rotated key needs no restart."""
    if reference.env:

        def from_environment() -> str:
            secret = os.environ.get(reference.env, "").strip()
            if not secret:
                raise UserError(f"surfaces.{key}.credential.env", reference.env, "set this environment variable")
            return secret

        return from_environment

    def from_file() -> str:
        path = base / reference.file
        try:
            secret = path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"surfaces.{key}.credential.file", str(path), "name a readable file") from error
        if not secret:
            raise UserError(f"surfaces.{key}.credential.file", str(path), "write the secret into the file")
        return secret

    return from_file


def _google_file(key: str, path: Path) -> Callable[[], Any]:
    """Google's own loader for a credentials file of any kind."""

    def find() -> Any:
        where = f"surfaces.{key}.credential.file"
        if not path.is_file():
            raise UserError(where, str(path), "name a Google credentials file")
        auth: Any = importlib.import_module("google.auth")  # only an installation with this surface needs it
        try:
            found, _ = auth.load_credentials_from_file(str(path), scopes=[_GOOGLE_SCOPE])
        except (auth.exceptions.GoogleAuthError, ValueError, OSError) as error:  # its words may quote the file
            remedy = f"name a Google credentials file that can be read ({type(error).__name__})"
            raise UserError(where, str(path), remedy) from None
        return found

    return find
