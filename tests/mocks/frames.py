"""Serves one client: fragments, a ping, a compressed message and a reserved opcode."""
import base64, hashlib, re, socket, sys

listener = socket.create_server(("127.0.0.1", 0))
print(f"listening on ws://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
peer, _ = listener.accept()
stream = peer.makefile("rb")
head = b""
while not head.endswith(b"\r\n\r\n"):
    head += stream.readline()
key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)[1]
accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")

def received():
    """Reads a frame of fewer than 126 bytes."""
    start = stream.read(2)
    return stream.read(4 + (start[1] & 127)) if start else b""

received()
peer.sendall(b"\x01\x05hello")
peer.sendall(b"\x89\x05alive")
received()
peer.sendall(b"\x80\x06 world")
# "Hello" compressed (RFC 7692, 7.2.3.1).
peer.sendall(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00")
peer.sendall(b"\x83\x01x")
while received():
    pass
