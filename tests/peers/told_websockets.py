"""A server, with Python websockets, that echoes and ends sessions on demand. Prints its port and runs
until stdin ends.

The texts "close me" and "abort me" end the session; "how" is answered with the code and reason by which
the session before it ended.
"""

import asyncio
import os
import sys

import loopback
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

previous = asyncio.Event(), []


async def talk(connection):
    global previous
    (ended, end), previous = previous, (asyncio.Event(), [])
    mine = previous
    try:
        async for message in connection:
            if message == "close me":
                await connection.close(4002, "told")
            elif message == "abort me":
                connection.transport.abort()
            elif message == "how":
                await ended.wait()
                await connection.send(end[0])
            else:
                await connection.send(message)
    except ConnectionClosed:
        pass
    await connection.wait_closed()
    mine[1].append(f"{connection.close_code} {connection.close_reason}".strip())
    mine[0].set()


async def main():
    listeners = loopback.listeners()
    for listener in listeners:
        # Compression is on by default, also for short messages.
        await serve(talk, sock=listener, ping_interval=None)
    print(listeners[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    os._exit(0)


asyncio.run(main())
