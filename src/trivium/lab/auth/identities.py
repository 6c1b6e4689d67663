"""Everybody the lab knows, made at once: an AWS access key, Google accounts, an Entra application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trivium.core import Clock
from trivium.lab.auth.entra import Application, EntraIdentity
from trivium.lab.auth.google import GoogleIdentity
from trivium.lab.auth.sigv4 import AwsCredential

AWS = AwsCredential("AKIALABLABLABLABLAB1", "lab-secret-access-key", "lab-aws-account")
APPLICATION = Application("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "lab-client-secret")
GOOGLE_PROJECT = "lab-project"


@dataclass(frozen=True, slots=True)
class Identities:
    """The lab's accounts; `options` are what the surfaces that verify them are built with.

    `wall` is the machine's time whatever clock the lab runs on: clients sign and count token lives with it. None
    switches the check of a signature's time off, for recorded requests.
    """

    aws: tuple[AwsCredential, ...]
    google: GoogleIdentity
    entra: EntraIdentity
    application: Application
    wall: Clock | None

    @classmethod
    def create(cls, *, clock: Clock, seed: int = 0, check_signature_time: bool = True) -> Identities:
        """The default accounts; `clock` is wall time."""
        return cls(
            aws=(AWS,),
            google=GoogleIdentity(clock=clock, seed=seed, project=GOOGLE_PROJECT),
            entra=EntraIdentity([APPLICATION], clock=clock),
            application=APPLICATION,
            wall=clock if check_signature_time else None,
        )

    def options(self) -> dict[str, Any]:
        """For `Setup.options`, the same for every surface."""
        return {"aws": self.aws, "google": self.google, "entra": self.entra, "wall": self.wall}
