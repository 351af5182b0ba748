"""One act with Python's ftplib. A JSON object on standard input says which; a JSON value on standard output is its result."""

import ftplib
import json
import os
import ssl
import sys

asked = json.load(sys.stdin)


class ImplicitTls(ftplib.FTP_TLS):
    """TLS from the first octet, which ftplib does not know: the socket is wrapped when it is set."""

    _plain = None

    @property
    def sock(self):
        return self._plain

    @sock.setter
    def sock(self, value):
        if value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value, server_hostname=self.host)
        self._plain = value


class Resuming:
    """Data connections resume the session of the control connection."""

    def ntransfercmd(self, cmd, rest=None):
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            data = self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session)
        return data, size


class ExplicitResuming(Resuming, ftplib.FTP_TLS):
    pass


class ImplicitResuming(Resuming, ImplicitTls):
    pass


def enter():
    if asked["tls"] == "none":
        ftp = ftplib.FTP(timeout=20, encoding="utf-8")
    else:
        kind = ExplicitResuming if asked["tls"] == "explicit" else ImplicitResuming
        context = ssl.create_default_context(cafile=asked["caFile"])
        ftp = kind(timeout=20, encoding="utf-8", context=context)
    ftp.connect(asked["host"], asked["port"])
    ftp.login(asked["user"], asked["password"])
    if asked["tls"] != "none":
        ftp.prot_p()
    ftp.set_pasv(asked["mode"] == "passive")
    ftp.voidcmd("TYPE I")
    return ftp


def upload(ftp, local, remote, resume=False):
    offset = ftp.size(remote) if resume else 0
    with open(local, "rb") as file:
        file.seek(offset)
        ftp.storbinary("STOR " + remote, file, blocksize=65536, rest=offset or None)


def download(ftp, remote, local, resume=False):
    offset = os.path.getsize(local) if resume else 0
    with open(local, "ab" if resume else "wb") as file:
        ftp.retrbinary("RETR " + remote, file.write, blocksize=65536, rest=offset or None)


def names(ftp, folder):
    try:
        return [name for name, facts in ftp.mlsd(folder, ["type"]) if facts["type"] not in ("cdir", "pdir")]
    except ftplib.error_perm:
        return [os.path.basename(name) for name in ftp.nlst(folder)]


ACTS = {
    "upload": upload,
    "download": download,
    "list": names,
    "rename": lambda ftp, old, new: ftp.rename(old, new) and None,
    "remove": lambda ftp, path: ftp.delete(path) and None,
    "makeDirectory": lambda ftp, path: ftp.mkd(path) and None,
    "removeDirectory": lambda ftp, path: ftp.rmd(path) and None,
    "modified": lambda ftp, path: ftp.voidcmd("MDTM " + path)[4:],
    "setModified": lambda ftp, path, at: ftp.voidcmd("MFMT " + at + " " + path) and None,
}

session = enter()
result = ACTS[asked["act"]](session, *asked["words"])
session.quit()
json.dump(result, sys.stdout)
