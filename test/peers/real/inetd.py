"""Starts a program for each connection, the connection being its standard input and output: HOST PORT PROGRAM ARG..."""

import socket
import subprocess
import sys

listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=128)
while True:
    connection, _ = listener.accept()
    subprocess.Popen(sys.argv[3:], stdin=connection, stdout=connection)
    connection.close()
