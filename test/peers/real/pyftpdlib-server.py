"""Runs pyftpdlib on one address: HOST PORT USER PASSWORD HOME FOREIGN(yes|no) [PEM].

PEER_SESSIONS is the most connections at once, PEER_LOG the level of the log.
"""

import logging
import os
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

logging.basicConfig(level=os.environ.get("PEER_LOG", "INFO"))
host, port, user, password, home, foreign = sys.argv[1:7]
handler = FTPHandler
if len(sys.argv) > 7:
    handler = TLS_FTPHandler
    handler.certfile = sys.argv[7]
handler.authorizer = DummyAuthorizer()
handler.authorizer.add_user(user, password, home, perm="elradfmwMT")
handler.permit_foreign_addresses = foreign == "yes"
handler.max_login_attempts = 20
handler.auth_failed_timeout = 0.1
server = FTPServer((host, int(port)), handler)
server.max_cons = int(os.environ.get("PEER_SESSIONS", "512"))
server.max_cons_per_ip = 0
server.serve_forever()
