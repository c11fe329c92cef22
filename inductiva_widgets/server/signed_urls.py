"""Signed URLs: read or write one file for a limited time, without a key."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Literal
from urllib.parse import quote, urlencode

from inductiva_widgets.server.errors import ForbiddenError

LINK_PREFIX = "/signed/"
DEFAULT_LIFETIME = 3600.0

Method = Literal["GET", "PUT"]


class UrlSigner:
    """Creates and checks signed URLs.

    Parameters
    ----------
    secret
        Secret key of this server.
    lifetime
        Seconds after which a URL expires.
    """

    def __init__(self, secret: bytes, lifetime: float = DEFAULT_LIFETIME) -> None:
        self._secret = secret
        self._lifetime = lifetime

    def sign(self, method: Method, path: str) -> str:
        """Return the path and query of a signed URL.

        Parameters
        ----------
        method
            Allowed method: GET, which includes HEAD, or PUT.
        path
            The file, relative to the storage.
        """
        expires = str(int(time.time() + self._lifetime))
        query = urlencode({"expires": expires, "signature": self._signature(method, path, expires)})
        return f"{LINK_PREFIX}{quote(path)}?{query}"

    def verify(self, method: str, path: str, expires: str, signature: str) -> None:
        """Check the signature of a request.

        Raises
        ------
        ForbiddenError
            The signature is invalid for this request, or has expired.
        """
        allowed = "GET" if method == "HEAD" else method
        # Compared as bytes, since compare_digest rejects text beyond ASCII.
        expected = self._signature(allowed, path, expires).encode()
        if not hmac.compare_digest(expected, signature.encode("utf-8", "replace")):
            raise ForbiddenError("This link is not valid: its signature does not fit its use.")
        if time.time() > int(expires):
            raise ForbiddenError("This link has expired: ask for a new one.")

    def _signature(self, method: str, path: str, expires: str) -> str:
        message = "\n".join((method, path, expires)).encode("utf-8", "replace")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
