"""An echo server, with Python websockets. Prints its port and runs until stdin ends."""

import argparse
import asyncio
import contextlib
import os
import ssl
import sys

# Read when websockets is imported. The default limit refuses long messages in small fragments.
os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = str(2**31)

import loopback
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


async def echo(connection):
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compress", action="store_true")
    parser.add_argument("--subprotocol", metavar="NAME")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    args = parser.parse_args()

    tls = None
    if args.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*args.tls)

    def choose(_connection, offered):
        return args.subprotocol if args.subprotocol in offered else None

    listeners = loopback.listeners()
    async with contextlib.AsyncExitStack() as servers:
        for listener in listeners:
            server = serve(
                echo,
                sock=listener,
                ssl=tls,
                # The factory below accepts the parameters of the client.
                compression=None,
                extensions=[ServerPerMessageDeflateFactory()] if args.compress else None,
                select_subprotocol=choose,
                max_size=None,
                ping_interval=None,
            )
            await servers.enter_async_context(server)
        print(listeners[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)
        # Leaving the block would wait for closing handshakes.
        os._exit(0)


asyncio.run(main())
