"""Tests a server that echoes messages by a reply script with Python websockets:
guest_websockets.py [--compress] URL

It must select the first subprotocol, refuse other origins with 403, ping, close with 4001 on "close
me", and refuse messages over 2 MiB with 1009. With --compress, permessage-deflate must be agreed on.
"""

import argparse
import asyncio

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

ORIGIN = "https://www.example.com"
MEBIBYTE = bytes(i * 31 % 251 for i in range(1 << 20))


class Wrong(Exception):
    pass


def expect(what, got, wanted):
    if got != wanted:
        raise Wrong(f"{what}: got {got!r:.100}, expected {wanted!r:.100}")


def open_session(args, **options):
    settings = {
        "origin": ORIGIN,
        "subprotocols": ["first", "second"],
        "compression": "deflate" if args.compress else None,
        "max_size": None,
        "ping_interval": None,
        "proxy": None,
    }
    return connect(args.url, **(settings | options))


async def expect_close(connection, code, reason):
    try:
        raise Wrong(f"got {await connection.recv()!r:.100} instead of a Close")
    except ConnectionClosed as closed:
        expect("close", (closed.rcvd.code, closed.rcvd.reason), (code, reason))


async def talk(args):
    # Messages, pings of both sides, and a Close of the client.
    async with open_session(args) as connection:
        expect("subprotocol", connection.subprotocol, "first")
        expect("compression", bool(connection.protocol.extensions), args.compress)
        for message in ["héllo", "", MEBIBYTE]:
            await connection.send(message)
            expect("echo", await connection.recv(), message)
        await connection.send(["one é", "two €", "three 😀"])
        expect("echo", await connection.recv(), "one étwo €three 😀")
        await (await connection.ping(b"are you there"))
        # websockets answers the server's pings by itself; without answers, it would end the session.
        await asyncio.sleep(1)
        await connection.send("still here")
        expect("echo", await connection.recv(), "still here")
        await connection.close(4000, "mine")
        expect("close code", connection.close_code, 4000)

    # A Close of the server.
    async with open_session(args) as connection:
        await connection.send("close me")
        await expect_close(connection, 4001, "told")

    # A message over the server's limit.
    async with open_session(args) as connection:
        try:
            await connection.send(bytes(3 << 20))
        except ConnectionClosed:
            pass
        await expect_close(connection, 1009, "")

    # A message over the client's limit.
    async with open_session(args, max_size=1000) as connection:
        await connection.send("x" * 1001)
        try:
            await connection.recv()
            raise Wrong("a message over the limit was received")
        except ConnectionClosed as closed:
            expect("close code", closed.sent.code, 1009)

    # Another origin.
    try:
        async with open_session(args, origin="https://evil.example"):
            raise Wrong("another origin was accepted")
    except InvalidStatus as refused:
        expect("status", refused.response.status_code, 403)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compress", action="store_true")
    parser.add_argument("url")
    await talk(parser.parse_args())
    print("ok")


try:
    asyncio.run(asyncio.wait_for(main(), 20))
except TimeoutError:
    raise SystemExit("not done within 20 s")
except (OSError, WebSocketException, Wrong) as error:
    raise SystemExit(f"{type(error).__name__}: {error}")
