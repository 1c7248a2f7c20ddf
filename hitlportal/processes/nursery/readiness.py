"""The question whether a portal is ready, asked of its own web server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final

PROBE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks /readyz of one address, under the public name that the portal answers to."""

    host: str
    port: int
    has_tls: bool
    public_name: str

    def __call__(self) -> bool:
        """Whether it answers 200."""
        connection = self._connection()
        try:
            connection.request("GET", "/readyz", headers={"Host": self.public_name})
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if not self.has_tls:
            return HTTPConnection(self.host, self.port, timeout=PROBE_SECONDS)
        # The certificate is made for the public name; here the portal asks itself by its address.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(self.host, self.port, timeout=PROBE_SECONDS, context=context)
