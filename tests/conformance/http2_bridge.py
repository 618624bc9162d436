#!/usr/bin/env python3
"""Lets a WebSocket client that speaks only HTTP/1.1 test a server over HTTP/2.

Each upgrade becomes an extended CONNECT (RFC 8441) of one connection to the server, and its bytes are
carried unchanged. Prints its address.

Usage: http2_bridge.py HOST:PORT
"""

import asyncio
import base64
import contextlib
import hashlib
import sys

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

# The fields of an upgrade that HTTP/2 replaces or forbids.
UPGRADE_FIELDS = ("host", "connection", "upgrade", "sec-websocket-key")
WINDOW = 1 << 20


class Stream:
    """A session: what the server has sent, and whether more can be sent to it."""

    def __init__(self):
        self.response = asyncio.get_running_loop().create_future()
        self.received = asyncio.Queue()
        self.has_window = asyncio.Event()


class Upstream(asyncio.Protocol):
    """The connection to the server."""

    def __init__(self):
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.streams = {}
        self.enabled = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport
        self.h2.initiate_connection()
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: WINDOW})
        self.h2.increment_flow_control_window(WINDOW * 16)
        self.flush()

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def connection_lost(self, _):
        for stream in self.streams.values():
            stream.received.put_nowait(ConnectionResetError())
            stream.has_window.set()
            if not stream.response.done():
                stream.response.set_exception(ConnectionResetError())

    def data_received(self, data):
        for event in self.h2.receive_data(data):
            stream = self.streams.get(getattr(event, "stream_id", None))
            if isinstance(event, events.RemoteSettingsChanged):
                if self.h2.remote_settings.enable_connect_protocol:
                    self.enabled.set()
                self.wake()
            elif isinstance(event, events.WindowUpdated):
                self.wake()
            elif stream is None:
                continue
            elif isinstance(event, events.ResponseReceived):
                stream.response.set_result(event.headers)
            elif isinstance(event, events.DataReceived):
                stream.received.put_nowait((event.data, event.flow_controlled_length))
            elif isinstance(event, events.StreamEnded):
                stream.received.put_nowait(None)
            elif isinstance(event, events.StreamReset):
                stream.received.put_nowait(ConnectionResetError())
                stream.has_window.set()
                if not stream.response.done():
                    stream.response.set_exception(ConnectionResetError())
        self.flush()

    def wake(self):
        for stream in self.streams.values():
            stream.has_window.set()

    async def open(self, target, authority, fields):
        await self.enabled.wait()
        number, stream = self.h2.get_next_available_stream_id(), Stream()
        pseudo = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":authority", authority),
            (":path", target),
        ]
        self.streams[number] = stream
        self.h2.send_headers(number, pseudo + fields)
        self.flush()
        return number, stream

    async def send(self, number, stream, data):
        while data:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room <= 0:
                stream.has_window.clear()
                await stream.has_window.wait()
                continue
            self.h2.send_data(number, data[:room])
            data = data[room:]
            self.flush()

    def release(self, number, length):
        # Fails for a stream that has been reset.
        with contextlib.suppress(ProtocolError):
            self.h2.acknowledge_received_data(length, number)
            self.flush()


async def upwards(upstream, number, stream, reader):
    """Carries the client's bytes. The end of its side is END_STREAM, a reset is CANCEL."""
    with contextlib.suppress(ProtocolError):
        try:
            while data := await reader.read(64 << 10):
                await upstream.send(number, stream, data)
            upstream.h2.end_stream(number)
        except ConnectionError:
            upstream.h2.reset_stream(number, ErrorCodes.CANCEL)
        upstream.flush()


async def downwards(upstream, number, stream, writer):
    """Carries the server's bytes. END_STREAM is the end of its side, a reset ends the connection."""
    while (item := await stream.received.get()) is not None:
        if isinstance(item, ConnectionResetError):
            writer.transport.abort()
            return
        data, length = item
        writer.write(data)
        await writer.drain()
        upstream.release(number, length)
    writer.write_eof()


async def serve(upstream, reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    target = head[0].split(" ")[1]
    lines = [line.split(":", 1) for line in head[1:] if line]
    fields = [(name.lower(), value.strip()) for name, value in lines]
    given = dict(fields)
    passed = [(name, value) for name, value in fields if name not in UPGRADE_FIELDS]
    number, stream = await upstream.open(target, given["host"], passed)
    try:
        answer = await stream.response
        status = dict(answer)[":status"]
        rest = "".join(f"{name}: {value}\r\n" for name, value in answer if not name.startswith(":"))
        if status != "200":
            writer.write(f"HTTP/1.1 {status} \r\n{rest}Connection: close\r\n\r\n".encode())
            return
        digest = hashlib.sha1((given["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
        accept = base64.b64encode(digest.digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{rest}\r\n".encode()
        )
        await asyncio.gather(
            upwards(upstream, number, stream, reader), downwards(upstream, number, stream, writer)
        )
    except ConnectionError:
        writer.transport.abort()
    finally:
        del upstream.streams[number]
        writer.close()


async def main():
    host, _, port = sys.argv[1].rpartition(":")
    loop = asyncio.get_running_loop()
    _, upstream = await loop.create_connection(Upstream, host, int(port))
    server = await asyncio.start_server(lambda *ends: serve(upstream, *ends), "127.0.0.1", 0)
    print("bridge on ws://127.0.0.1:{}".format(server.sockets[0].getsockname()[1]), flush=True)
    await server.serve_forever()


asyncio.run(main())
