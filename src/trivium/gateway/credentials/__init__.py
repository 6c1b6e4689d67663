"""Real credentials, one kind a file; each fetches in a thread ahead of expiry and imports its SDK only when used."""

from trivium.gateway.credentials._aws import AwsCredential
from trivium.gateway.credentials._azure import FOUNDRY_SCOPE, AzureCredential
from trivium.gateway.credentials._google import GoogleCredential
from trivium.gateway.credentials._keeper import Held, Keeper
from trivium.gateway.credentials._key import ApiKey, Bearer
from trivium.gateway.credentials._sigv4 import AwsKeys, sign

__all__ = [
    "FOUNDRY_SCOPE",
    "ApiKey",
    "AwsCredential",
    "AwsKeys",
    "AzureCredential",
    "Bearer",
    "GoogleCredential",
    "Held",
    "Keeper",
    "sign",
]
