"""Whom the lab believes: signatures, tokens and keys checked by the lab's own code, and the certificates it serves."""

from trivium.lab.auth.entra import Application, EntraIdentity
from trivium.lab.auth.google import GoogleIdentity
from trivium.lab.auth.identities import Identities
from trivium.lab.auth.sigv4 import AwsCredential, Received, Signer, SigV4Verifier
from trivium.lab.auth.tls import Certificates

__all__ = [
    "Application",
    "AwsCredential",
    "Certificates",
    "EntraIdentity",
    "GoogleIdentity",
    "Identities",
    "Received",
    "SigV4Verifier",
    "Signer",
]
