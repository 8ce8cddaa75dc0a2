"""A certificate authority of a check's own, and certificates that it gives."""

import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """A CA whose own certificate is `file`."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.file, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("req", "-x509", *self.new_key(), "-keyout", self.key, "-out", self.file, "-days", 30, "-subj", f"/CN={name}")

    @staticmethod
    def new_key():
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"

    def issue(self, name, names="DNS:localhost", days=30):
        """The files of a certificate and its key; -1 day: it ended yesterday."""
        file, key, request = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        openssl("req", "-new", *self.new_key(), "-keyout", key, "-out", request, "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={names}")
        openssl("x509", "-req", "-in", request, "-copy_extensions", "copy", "-days", days, "-CA", self.file, "-CAkey", self.key,
                "-out", file)
        return file, key
