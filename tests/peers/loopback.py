"""Listening sockets at both loopback addresses, as `localhost` may lead to either one."""

import socket


def listeners():
    """Returns sockets at one free port: of 127.0.0.1 and, if the system has IPv6, of ::1."""
    while True:
        first = socket.create_server(("127.0.0.1", 0))
        port = first.getsockname()[1]
        try:
            return [first, socket.create_server(("::1", port), family=socket.AF_INET6)]
        except OSError:
            if not has_ipv6():
                return [first]
            # Another process uses the port of ::1.
            first.close()


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False
