"""An echo server of text and binary messages, without a limit of its own. Prints its port and runs
until stdin ends.

Usage: echo_servers.py aiohttp|tornado|uvicorn-websockets|uvicorn-wsproto
"""

import asyncio
import logging
import sys

from servers import exit_with_stdin, listener


def aiohttp():
    from aiohttp import WSMsgType, web

    async def echo(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    app = web.Application()
    app.add_routes([web.get("/", echo)])
    exit_with_stdin()
    web.run_app(app, sock=listener(), print=None, access_log=None)


def tornado():
    from tornado import httpserver, web
    from tornado.websocket import WebSocketHandler

    class Echo(WebSocketHandler):
        def get_compression_options(self):
            return {}

        def on_message(self, message):
            self.write_message(message, binary=isinstance(message, bytes))

    async def main():
        server = httpserver.HTTPServer(web.Application([("/", Echo)]))
        sock = listener()
        sock.setblocking(False)
        server.add_socket(sock)
        await asyncio.Future()

    exit_with_stdin()
    asyncio.run(main())


def uvicorn(library):
    import uvicorn

    async def echo(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            text, data = message.get("text"), message.get("bytes")
            await send({"type": "websocket.send", "text": text, "bytes": data})

    config = uvicorn.Config(echo, ws=library, log_level="critical", lifespan="off")
    exit_with_stdin()
    asyncio.run(uvicorn.Server(config).serve([listener()]))


SERVERS = {
    "aiohttp": aiohttp,
    "tornado": tornado,
    "uvicorn-websockets": lambda: uvicorn("websockets-sansio"),
    "uvicorn-wsproto": lambda: uvicorn("wsproto"),
}

# Requests and frames are wrong on purpose.
logging.disable()
SERVERS[sys.argv[1]]()
