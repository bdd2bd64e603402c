"""
The HTTP session of the petitioner's tools: it keeps nothing, and says nothing of who asks.

The office would learn from a cookie that two requests are of one person, from a password in a
``.netrc`` who that is, and from a program's name and version which machines she uses. A compressed
answer could be larger than any limit before it is counted. So all of that is left out.
"""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests

from dengwen_submit.errors import SubmitError

# With these the proxy looks up the office's name. With plain socks5 or socks4 this device would,
# and whoever watches its network would read the name.
PROXY_SCHEMES = ("socks5h", "socks4a", "http", "https")


def open_session(proxy: str | None = None) -> requests.Session:
    """
    Return a session that keeps no cookies, gives no password and says no program's name.

    Args:
        proxy: The address of a proxy for everything. Without it, those that the environment names
            are used, as every program does.

    Raises:
        SubmitError: If the proxy is not one that would hide the office's name.
    """
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.headers.clear()
    session.headers.update({"User-Agent": "", "Accept-Encoding": "identity"})
    session.auth = _no_password
    if proxy is not None:
        check_proxy(proxy)
        session.trust_env = False  # or one of the environment would take its place
        session.proxies = {"http": proxy, "https": proxy}
    return session


def check_proxy(proxy: str) -> None:
    """
    Check that an address is one of a proxy that resolves names itself.

    Raises:
        SubmitError: If it is not; the message says how to write it.
    """
    try:
        url = urlsplit(proxy)
        is_address = bool(url.hostname and url.port)
    except ValueError:
        is_address = False
    if not is_address or url.scheme not in PROXY_SCHEMES:
        raise SubmitError(
            "the proxy must be written like socks5h://127.0.0.1:9050 (with the h, or the name of "
            "the office would be looked up in the open)"
        )


def _no_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing, and so keep `requests` from looking for a password."""
    return request
