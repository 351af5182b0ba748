"""
The load of the server benchmark: one act per process, as close to the system calls as Python gets, so that the server
is what is measured. A JSON object on standard input says what; each line of standard output is a JSON object.

Every act logs in first, says {"ready": true}, begins at the line "go", tells its result and leaves at the line "end":
between the two the server's sessions live, and their CPU time can be read.
"""

import json
import os
import socket
import ssl
import sys
import time

BUFFER = 1 << 18
TIMEOUT = 120


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def tls_context():
    """TLS 1.3, the certificate unchecked: the chain would cost every server's client the same."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


CONTEXT = tls_context()


class Control:
    """A control connection after login: USER, PASS, TYPE I, and PROT P under TLS."""

    def __init__(self, site, tls):
        self.host = site["host"]
        self.tls = tls
        self.buffer = b""
        self.sock = socket.create_connection((site["host"], site["port"]), TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reply()
        if tls:
            self.must(b"234", b"AUTH TLS")
            self.sock = CONTEXT.wrap_socket(self.sock)
        self.must(b"331", b"USER " + site["user"].encode())
        self.must(b"230", b"PASS " + site["password"].encode())
        if tls:
            self.must(b"200", b"PBSZ 0")
            self.must(b"200", b"PROT P")
        self.must(b"200", b"TYPE I")

    def line(self):
        while True:
            line, end, rest = self.buffer.partition(b"\n")
            if end:
                self.buffer = rest
                return line
            more = self.sock.recv(4096)
            if not more:
                raise RuntimeError("the control connection ended")
            self.buffer += more

    def reply(self):
        """RFC 959 4.2: up to the line with the code and a blank."""
        first = self.line()
        if first[3:4] == b"-":
            last = first[:3] + b" "
            while not self.line().startswith(last):
                pass
        return first

    def send(self, line):
        self.sock.sendall(line + b"\r\n")

    def must(self, code, line):
        self.send(line)
        reply = self.reply()
        if not reply.startswith(code):
            raise RuntimeError(f"{line!r}: {reply!r}")
        return reply

    def address(self):
        reply = self.must(b"227", b"PASV")
        inside = reply[reply.index(b"(") + 1 : reply.rindex(b")")]
        return inside

    def passive(self):
        numbers = self.address().split(b",")
        port = int(numbers[4]) * 256 + int(numbers[5])
        data = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        data.settimeout(TIMEOUT)
        data.connect((self.host, port))
        return data

    def secure(self, data):
        """The handshake on a data connection, resuming the control connection's session as clients do."""
        return CONTEXT.wrap_socket(data, session=self.sock.session) if self.tls else data

    def finish(self):
        """Both replies of a transfer."""
        first = self.reply()
        if first[:1] == b"1":
            first = self.reply()
        if first[:1] != b"2":
            raise RuntimeError(f"the transfer ended with {first!r}")


def close(data):
    """close_notify both ways under TLS, then the end of the connection."""
    if isinstance(data, ssl.SSLSocket):
        try:
            data = data.unwrap()
        except (OSError, ValueError):
            pass
    data.close()


def drain(data, buffer):
    total = 0
    receive = data.recv_into
    while True:
        count = receive(buffer)
        if not count:
            return total
        total += count


def retrieve(control, command, buffer):
    data = control.passive()
    control.send(command)
    data = control.secure(data)
    total = drain(data, buffer)
    close(data)
    control.finish()
    return total


def store(control, command, size, buffer):
    data = control.passive()
    control.send(command)
    data = control.secure(data)
    left = size
    while left > 0:
        left -= data.send(buffer if left >= len(buffer) else buffer[:left])
    close(data)
    control.finish()
    return size


def transfer(asked, control):
    """One file up or down: octets."""
    buffer = memoryview(bytearray(os.urandom(BUFFER)))
    yield
    path = asked["path"].encode()
    if asked["verb"] == "RETR":
        moved = retrieve(control, b"RETR " + path, buffer)
    else:
        moved = store(control, b"STOR " + path, asked["size"], buffer)
    yield {"octets": moved}


def small(asked, control):
    """Small files down for some seconds, a new passive port for each: how many there were."""
    buffer = memoryview(bytearray(BUFFER))
    commands = [b"RETR " + asked["path"].encode() + b"/%d" % n for n in range(asked["files"])]
    yield
    until = time.monotonic() + asked["seconds"]
    count = 0
    while time.monotonic() < until:
        command = commands[count % len(commands)]
        if retrieve(control, command, buffer) != asked["size"]:
            raise RuntimeError(f"{command!r}: another size")
        count += 1
    yield {"files": count}


def churn(asked, control):
    """The same file down again and again for some seconds: a load beside which something else is measured."""
    buffer = memoryview(bytearray(BUFFER))
    command = b"RETR " + asked["path"].encode()
    yield
    until = time.monotonic() + asked["seconds"]
    octets = 0
    while time.monotonic() < until:
        octets += retrieve(control, command, buffer)
    yield {"octets": octets}


def latency(asked, control):
    """Round trips of a command without effect: milliseconds each."""
    yield
    until = time.monotonic() + asked["seconds"]
    times = []
    while time.monotonic() < until:
        begun = time.perf_counter_ns()
        control.must(b"257", b"PWD")
        times.append((time.perf_counter_ns() - begun) / 1e6)
        time.sleep(0.001)
    yield {"times": times}


def copy(asked, control):
    """Server to server, the destination listening: octets are not seen here."""
    sink = Control(asked["sink"], False)
    path = asked["path"].encode()
    to = asked["to"].encode()
    yield
    address = sink.address()
    control.must(b"200", b"PORT " + address)
    sink.send(b"STOR " + to)
    control.send(b"RETR " + path)
    control.finish()
    sink.finish()
    yield {}


def crowd(asked, control):
    """Sessions that log in and stay: how many."""
    yield
    members = [Control(asked["site"], asked["tls"]) for _ in range(asked["count"])]
    yield {"sessions": len(members)}


def listing(asked, control):
    """The listing of one directory: octets, and lines."""
    chunks = []
    yield
    data = control.passive()
    control.send(asked["verb"].encode() + b" " + asked["path"].encode())
    data = control.secure(data)
    while True:
        chunk = data.recv(BUFFER)
        if not chunk:
            break
        chunks.append(chunk)
    close(data)
    control.finish()
    yield {"octets": sum(map(len, chunks)), "lines": sum(chunk.count(b"\n") for chunk in chunks)}


ACTS = {act.__name__: act for act in (transfer, small, churn, latency, copy, crowd, listing)}


def main():
    asked = json.loads(sys.stdin.readline())
    control = Control(asked["site"], asked["tls"])
    act = ACTS[asked["act"]](asked, control)
    next(act)
    say({"ready": True})
    sys.stdin.readline()
    begun = time.monotonic()
    result = next(act)
    ended = time.monotonic()
    say({"begun": begun, "ended": ended, **result})
    sys.stdin.readline()
    control.send(b"QUIT")


main()
