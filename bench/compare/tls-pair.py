"""What one TLS 1.3 stream can do between two processes: a file here, a file there, large buffers, nothing else.

    tls-pair.py CERT KEY HOST FROM TO

Prints `moved SECONDS`, from the first octet of the handshake until the last of the file is written.
"""
import mmap
import os
import socket
import ssl
import sys
import time

MIB = 1024 * 1024


def receive(listener, cert, key, target):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(cert, key)
    plain, _ = listener.accept()
    buffer = memoryview(bytearray(MIB))
    with context.wrap_socket(plain, server_side=True) as stream, open(target, 'wb', buffering=0) as file:
        held = 0
        while True:
            # A read gives one record, at most 16 KiB: many of them make one write.
            count = stream.recv_into(buffer[held:])
            held += count
            if count == 0 or held > MIB - 16384:
                file.write(buffer[:held])
                held = 0
            if count == 0:
                return


def send(address, source):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(address)
    with context.wrap_socket(plain) as stream, open(source, 'rb') as file:
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as octets:
            view = memoryview(octets)
            for at in range(0, len(view), MIB):
                stream.sendall(view[at : at + MIB])
            view.release()
        stream.unwrap()


def move(cert, key, host, source, target):
    listener = socket.create_server((host, 0))
    address = listener.getsockname()
    sender = os.fork()
    if sender == 0:
        listener.close()
        try:
            send(address, source)
        finally:
            os._exit(0)
    receive(listener, cert, key, target)
    os.waitpid(sender, 0)


def main():
    begun = time.monotonic()
    move(*sys.argv[1:])
    print('moved', time.monotonic() - begun)


main()
