"""The stages of `trivium up`: choose what to replay, raise the site, replay, report."""
