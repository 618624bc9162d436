"""The server and the clients that the command lines of wscat meet. They speak WebSocket by
themselves, so that every byte that a program sends is seen."""
import asyncio
import base64
import hashlib
import os
import ssl
import struct
import subprocess

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


def certificate(directory):
    """Makes a self-signed certificate; returns the paths of it and its key."""
    paths = [os.path.join(directory, name) for name in ("cert.pem", "key.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def frame(opcode, payload=b"", fin=True, masked=False):
    head = bytes([(0x80 if fin else 0) | opcode])
    mask = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask | len(payload)])
    elif len(payload) < 1 << 16:
        head += bytes([mask | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mask | 127]) + struct.pack(">Q", len(payload))
    # A mask of zeros leaves the payload as it is.
    return head + (bytes(4) if masked else b"") + payload


async def read_frame(reader):
    first, second = await reader.readexactly(2)
    length = second & 127
    if length == 126:
        length, = struct.unpack(">H", await reader.readexactly(2))
    elif length == 127:
        length, = struct.unpack(">Q", await reader.readexactly(8))
    mask = await reader.readexactly(4) if second & 128 else bytes(4)
    data = await reader.readexactly(length)
    return first & 15, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def shown(opcode, payload):
    if opcode == 8:
        code = struct.unpack(">H", payload[:2])[0] if payload else 1005
        return ["close", code, payload[2:].decode("utf-8", "replace")]
    return [NAMES.get(opcode, str(opcode)), payload.decode("utf-8", "backslashreplace")]


class Server:
    """A server for the connections of one program. Keys of `rules`:

    protocol    the subprotocol to answer with; absent: the first that is offered
    replies     heads of responses before the last connection, which is upgraded; with only=True none is
    send        frames to send once a session is open, as bytes; a number waits so many seconds
    echo        send messages back
    then        frames to send after each text message; a number waits so many seconds; None ends TCP;
                ("mark", SECONDS) notes after that time that no Close has arrived
    tls         speak TLS
    proxy       answer CONNECT first
    """

    def __init__(self, rules, tls):
        self.rules, self.tls = rules, tls
        self.requests, self.frames, self.opened = [], [], False
        self.tasks = set()

    async def start(self):
        context = None
        if self.rules.get("tls"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()
        # What a program sent before it ended has arrived.
        _, left = await asyncio.wait(self.tasks, timeout=1) if self.tasks else (None, set())
        for task in left:
            task.cancel()

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            await self.session(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def session(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if self.rules.get("proxy") and head.startswith(b"CONNECT"):
            self.requests.append(head.split(b"\r\n")[0].decode())
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
        fields = self.note(head)
        replies = self.rules.get("replies", [])
        if len(self.requests) <= len(replies):
            writer.write(replies[len(self.requests) - 1].replace(b"{port}", str(self.port).encode()))
            await writer.drain()
            return
        offered = fields.get("sec-websocket-protocol", "").split(",")[0].strip()
        agreed = self.rules.get("protocol", offered)
        key = fields.get("sec-websocket-key", "").encode()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        more = f"Sec-WebSocket-Protocol: {agreed}\r\n".encode() if agreed else b""
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n" + more + b"\r\n")
        self.opened = True
        if await self.send(writer, self.rules.get("send", [])):
            return
        while True:
            opcode, payload = await read_frame(reader)
            self.frames.append(shown(opcode, payload))
            if opcode == 8:
                writer.write(frame(8, payload))
                await writer.drain()
                return
            if opcode == 9:
                writer.write(frame(10, payload))
            if opcode in (1, 2):
                if self.rules.get("echo"):
                    writer.write(frame(opcode, payload))
                if await self.send(writer, self.rules.get("then", [])):
                    return
            await writer.drain()

    async def send(self, writer, items):
        for item in items:
            if item is None:
                return True
            if isinstance(item, bytes):
                writer.write(item)
                await writer.drain()
            elif isinstance(item, tuple):
                asyncio.get_running_loop().call_later(item[1], self.mark)
            else:
                await asyncio.sleep(item)
        return False

    def mark(self):
        if not any(name == "close" for name, *_ in self.frames):
            self.frames.append(["mark", "still open"])

    def note(self, head):
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        fields = {}
        for line in lines:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        # The key is random, and the name of the program is its own.
        listed = {name: value for name, value in fields.items()
                  if name not in ("sec-websocket-key", "user-agent")}
        self.requests.append(first + "".join(f"\n{n}: {v}" for n, v in sorted(listed.items())))
        return fields


async def listen_client(port, host, program, send=(), receive=0, offer=None, type=None, close=True):
    """Connects to a listening program, and returns what it did."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
    except OSError:
        return "refused"
    more = f"Sec-WebSocket-Protocol: {offer}\r\n" if offer else ""
    writer.write(f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"
                 .encode())
    result = {"frames": []}
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
        lines = head.decode().split("\r\n")
        result["response"] = " ".join(lines[0].split(" ")[:2])
        result["protocol"] = next((line.split(": ")[1] for line in lines
                                   if line.lower().startswith("sec-websocket-protocol")), None)
        for data in send:
            writer.write(data)
        if type:
            await asyncio.sleep(0.1)
            program.type(type)
        for _ in range(receive):
            result["frames"].append(shown(*await asyncio.wait_for(read_frame(reader), 1.5)))
        await asyncio.sleep(0.1)
        if close == "kept":
            KEPT.append(writer)
            return result
        writer.write(frame(8, struct.pack(">H", 1000), masked=True))
        result["frames"].append(shown(*await asyncio.wait_for(read_frame(reader), 1.5)))
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError) as fault:
        ended = not isinstance(fault, asyncio.TimeoutError)
        result["end"] = "connection ended" if ended else "nothing came"
    writer.close()
    return result


# Connections of clients that stay.
KEPT = []
