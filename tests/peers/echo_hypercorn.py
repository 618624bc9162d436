"""An echo server over HTTP/1.1 and HTTP/2, with hypercorn. Prints its port and runs until stdin ends."""

import argparse
import asyncio
import os
import sys

import loopback
from hypercorn.asyncio import serve
from hypercorn.config import Config


async def echo(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"only WebSocket here\n"})
        return
    await receive()
    if scope["path"] == "/refuse":
        # In ASGI, closing before accepting answers 403.
        await send({"type": "websocket.close"})
        return
    offered = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "close 4001":
            await send({"type": "websocket.close", "code": 4001, "reason": "as asked"})
            return
        await send({"type": "websocket.send", "bytes": message.get("bytes"), "text": message.get("text")})


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    args = parser.parse_args()

    listeners = loopback.listeners()
    print(listeners[0].getsockname()[1], flush=True)

    config = Config()
    config.bind = [f"fd://{listener.detach()}" for listener in listeners]
    config.loglevel = "ERROR"
    config.websocket_max_message_size = 64 << 20
    if args.tls:
        config.certfile, config.keyfile = args.tls
    # Hypercorn logs a long traceback for an END_STREAM that arrives after it has dropped the stream.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    asyncio.get_running_loop().create_task(serve(echo, config))
    await asyncio.to_thread(sys.stdin.buffer.read)
    os._exit(0)


asyncio.run(main())
