"""pyftpdlib with one user: FTPS on one address, explicit or implicit TLS.

Arguments: address, port, first and last passive port, root directory, PEM file, "explicit" or
"implicit", name, password.
"""

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer


class Explicit(TLS_FTPHandler):
    """TLS after AUTH; nothing else is answered before, and no data connection is in the clear."""

    tls_control_required = True
    tls_data_required = True


class Implicit(Explicit):
    """TLS before the first word. pyftpdlib has no such mode, but a place for it."""

    def handle(self):
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self):
        super().handle()


def main():
    address, port, first, last, root, pem, mode, username, password = sys.argv[1:]
    authorizer = DummyAuthorizer()
    authorizer.add_user(username, password, root, perm="elradfmwMT")
    handler = {"explicit": Explicit, "implicit": Implicit}[mode]
    handler.authorizer = authorizer
    handler.certfile = pem
    handler.passive_ports = range(int(first), int(last) + 1)
    FTPServer((address, int(port)), handler).serve_forever()


main()
