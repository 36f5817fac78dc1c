"""pyftpdlib with one user: FTPS on one address, explicit or implicit TLS.

Arguments: address, port, first and last passive port, root directory, PEM file, "explicit" or
"implicit", "exact", "folding" or "short-names", name, password.
"""

import errno
import os
import sys
import unicodedata

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
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


class Folding(AbstractedFS):
    """A disk on which names that differ by case or Unicode form are one name, as on APFS."""

    def ftp2fs(self, ftppath):
        path = self.root
        for name in self.ftpnorm(ftppath).split("/"):
            path = os.path.join(path, existing(path, name)) if name else path
        return path


class ShortNames(AbstractedFS):
    """A disk that takes names of up to 143 bytes, as eCryptfs does."""

    def open(self, filename, mode):
        if len(os.fsencode(os.path.basename(filename))) > 143:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return super().open(filename, mode)


def existing(folder, name):
    """The name of the entry that is the same to a folding disk, else the name."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return next((entry for entry in names if fold(entry) == fold(name)), name)


def fold(name):
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def main():
    address, port, first, last, root, pem, mode, disk, username, password = sys.argv[1:]
    authorizer = DummyAuthorizer()
    authorizer.add_user(username, password, root, perm="elradfmwMT")
    handler = {"explicit": Explicit, "implicit": Implicit}[mode]
    handler.authorizer = authorizer
    handler.abstracted_fs = {
        "exact": AbstractedFS,
        "folding": Folding,
        "short-names": ShortNames,
    }[disk]
    handler.certfile = pem
    handler.passive_ports = range(int(first), int(last) + 1)
    FTPServer((address, int(port)), handler).serve_forever()


main()
