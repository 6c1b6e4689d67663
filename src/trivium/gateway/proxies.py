"""Which proxy a request goes through, by the environment's HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.

The HTTP client's own reading of the environment is not used: it also looks for a password of every host in ~/.netrc,
once a request, and adds what it finds there to a request that has its credential already.
"""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from yarl import URL

_HTTP = ("http", "https")


class NoSuchProxy(ValueError):
    """The environment names a proxy of another kind than HTTP."""


def proxy_for(url: URL) -> URL | None:
    """The proxy for an address, None to go directly; raises NoSuchProxy for SOCKS and other kinds."""
    if url.host is None or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named:
        return None
    try:
        proxy = URL(named if "://" in named else f"http://{named}")
    except ValueError:
        raise NoSuchProxy("the proxy that the environment names is no address") from None  # it may hold a password
    if proxy.scheme not in _HTTP or proxy.host is None:
        raise NoSuchProxy(f"the environment names a {proxy.scheme} proxy: only HTTP proxies are used")
    return proxy
