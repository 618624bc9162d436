"""Exchanges events with a Socket.IO server that echoes `message`, with python-socketio: socket_io.py URL

The session begins with HTTP long-polling and is upgraded to WebSocket.
"""

import asyncio
import sys

import socketio


async def main(url):
    client = socketio.AsyncClient(reconnection=False)
    received = asyncio.Queue()
    client.on("message", lambda *data: received.put_nowait(data))
    await client.connect(url)
    # The upgrade is over when connect returns.
    transport = client.transport()
    if transport != "websocket":
        raise SystemExit(f"the transport is {transport}")
    sent = [("hello €", {"n": 1}), (b"\x00\xff" * 1000,)]
    for data in sent:
        await client.emit("message", data)
        got = await asyncio.wait_for(received.get(), 10)
        if got != data:
            raise SystemExit(f"got {got!r:.100}")
    # Several pings of the server.
    await asyncio.sleep(1)
    await client.emit("message", "still here")
    await asyncio.wait_for(received.get(), 10)
    await client.disconnect()
    print("ok")


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 20))
