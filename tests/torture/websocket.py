"""WebSocket frames and handshakes, enough for scripted peers: no extensions, no fragments."""

import base64
import hashlib
import os
import socket
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The other side ended the connection."""


class Socket:
    """A byte stream with a buffer, and the frames on it."""

    def __init__(self, stream, masks=False):
        self.stream = stream
        self.masks = masks
        self.buffer = b""

    def more(self):
        try:
            part = self.stream.recv(65536)
        except OSError as error:
            raise Closed(str(error)) from error
        if not part:
            raise Closed("end of stream")
        self.buffer += part

    def take(self, size):
        while len(self.buffer) < size:
            self.more()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def head(self):
        """Returns the lines of an HTTP head."""
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head.decode("latin-1").split("\r\n")

    def write(self, data):
        try:
            self.stream.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from error

    def send(self, opcode, payload=b""):
        self.write(frame(opcode, payload, self.masks))

    def receive(self):
        """Returns opcode and payload of the next message or control frame."""
        kind, data = 0, b""
        while True:
            first, second = self.take(2)
            size = second & 127
            if size == 126:
                (size,) = struct.unpack(">H", self.take(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self.take(8))
            key = self.take(4) if second & 128 else b"\0\0\0\0"
            payload = masked(self.take(size), key)
            opcode = first & 15
            if opcode >= CLOSE:
                return opcode, payload
            kind, data = kind or opcode, data + payload
            if first & 128:
                return kind, data

    def message(self):
        """Returns the next message, and answers pings."""
        while True:
            opcode, payload = self.receive()
            if opcode == PING:
                self.send(PONG, payload)
            elif opcode == CLOSE:
                self.send(CLOSE, payload[:2])
                raise Closed("close")
            elif opcode != PONG:
                return payload

    def close(self, code=1000):
        """Performs the closing handshake."""
        self.send(CLOSE, struct.pack(">H", code))
        while self.receive()[0] != CLOSE:
            pass

    def reset(self):
        """Ends the connection by a reset."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.end()

    def end(self):
        self.stream.close()


def frame(opcode, payload, masks=False):
    size = len(payload)
    bit = 128 if masks else 0
    if size < 126:
        head = bytes([128 | opcode, bit | size])
    elif size < 65536:
        head = bytes([128 | opcode, bit | 126]) + struct.pack(">H", size)
    else:
        head = bytes([128 | opcode, bit | 127]) + struct.pack(">Q", size)
    return head + (bytes(4) if masks else b"") + payload


def masked(data, key):
    if not any(key):
        return data
    key = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


def field(lines, name):
    """Returns the value of a header field, or an empty string."""
    for line in lines[1:]:
        found, _, value = line.partition(":")
        if found.strip().lower() == name.lower():
            return value.strip()
    return ""


def upgrade(stream, path="/", fields=()):
    """Opens a session as a client."""
    peer = Socket(stream, masks=True)
    key = base64.b64encode(os.urandom(16)).decode()
    peer.write(
        "\r\n".join([
            f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *fields, "", "",
        ]).encode()
    )  # fmt: skip
    head = peer.head()
    if " 101 " not in head[0]:
        raise Closed(head[0])
    return peer


def accept(peer, request, fields=()):
    """Answers the request of a client."""
    key = field(request, "sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accepted = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    peer.write(
        "\r\n".join([
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accepted}", *fields, "", "",
        ]).encode()
    )  # fmt: skip
