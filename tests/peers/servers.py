"""Servers that refuse or end sessions as ordinary ones do. Takes the name of one, prints its port and
runs until stdin ends. `situations.jsonl` has the paths and what each leads to."""

import asyncio
import logging
import os
import socket
import sys
import threading
import warnings

import daemon


def listener():
    """Returns a listening socket, after its port was printed."""
    server = socket.create_server(("127.0.0.1", 0), backlog=100)
    print(server.getsockname()[1], flush=True)
    return server


def exit_with_stdin():
    def wait():
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def fastapi_app():
    from fastapi import FastAPI, HTTPException, WebSocket, WebSocketException

    app = FastAPI()

    @app.websocket("/ws")
    async def echo(socket: WebSocket):
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    @app.websocket("/query")
    async def query(socket: WebSocket, token: str):
        await socket.accept()

    @app.websocket("/unauthorized")
    async def unauthorized(socket: WebSocket):
        raise HTTPException(401, "Not authenticated")

    @app.websocket("/policy")
    async def policy(socket: WebSocket):
        raise WebSocketException(1008, "Token expired")

    @app.websocket("/close")
    async def close(socket: WebSocket):
        await socket.accept()
        raise WebSocketException(1008, "Token expired")

    @app.websocket("/early")
    async def early(socket: WebSocket):
        raise RuntimeError

    @app.websocket("/late")
    async def late(socket: WebSocket):
        await socket.accept()
        await socket.receive_text()
        raise RuntimeError

    @app.websocket("/json")
    async def json(socket: WebSocket):
        await socket.accept()
        await socket.receive_json()

    @app.websocket("/text")
    async def text(socket: WebSocket):
        await socket.accept()
        await socket.receive_text()

    @app.get("/page")
    async def page():
        return {"page": True}

    return app


def uvicorn(library):
    import uvicorn

    config = uvicorn.Config(fastapi_app(), ws=library, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    exit_with_stdin()
    server.run(sockets=[listener()])


def hypercorn():
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    server = listener()
    config = Config()
    config.bind = [f"fd://{server.detach()}"]
    config.errorlog = None
    exit_with_stdin()
    asyncio.run(serve(fastapi_app(), config))


def daphne(where, port):
    return [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "channels_app:app"]


def websockets():
    from websockets.asyncio.server import basic_auth, serve
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    check = basic_auth(credentials=("me", "secret"))

    async def process(connection, request):
        path = request.path.split("?")[0]
        if path == "/basic":
            return await check(connection, request)
        if path == "/token":
            return connection.respond(401, "Missing token\n")
        if path == "/health":
            return connection.respond(200, "OK\n")
        if path == "/moved":
            return Response(307, "Temporary Redirect", Headers(Location="/ws"))
        if path == "/slow":
            await asyncio.sleep(60)
        if path not in ("/ws", "/raises", "/plain"):
            return connection.respond(404, "Not found\n")

    async def handle(connection):
        async for message in connection:
            if connection.request.path == "/raises":
                raise RuntimeError
            await connection.send(message)

    async def main():
        server = listener()
        async with serve(handle, sock=server, process_request=process, max_size=100):
            await asyncio.Future()

    exit_with_stdin()
    asyncio.run(main())


def websockets_strict():
    """Requires an origin and a subprotocol."""
    from websockets.asyncio.server import serve

    async def main():
        async with serve(
            lambda connection: connection.wait_closed(),
            sock=listener(),
            origins=["https://app.example"],
            subprotocols=["chat"],
        ):
            await asyncio.Future()

    exit_with_stdin()
    asyncio.run(main())


def http_server():
    """The server of files of Python."""
    import functools
    import http.server

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    folder = os.path.dirname(os.path.abspath(__file__))
    server = listener()
    files = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=folder), bind_and_activate=False
    )
    files.socket = server
    files.server_name, files.server_port = "127.0.0.1", server.getsockname()[1]
    exit_with_stdin()
    files.serve_forever()


def django(debug):
    """Django without Channels."""
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    class Handler(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    settings.configure(
        SECRET_KEY="-", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, DEBUG=debug,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    )
    globals()["urlpatterns"] = [path("page/", lambda request: HttpResponse("Hello"))]
    django.setup()
    server = listener()
    web = WSGIServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    web.socket = server
    web.server_name, web.server_port = "127.0.0.1", server.getsockname()[1]
    web.setup_environ()
    web.set_app(get_wsgi_application())
    exit_with_stdin()
    web.serve_forever()


def aiohttp():
    from aiohttp import WSMsgType, web

    async def echo(request):
        socket = web.WebSocketResponse(protocols=["chat"], max_msg_size=100)
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    async def raises(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        raise RuntimeError

    async def json(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive_json()
        return socket

    async def early(request):
        raise RuntimeError

    async def unauthorized(request):
        raise web.HTTPUnauthorized(text="401: token missing")

    async def origin(request):
        raise web.HTTPForbidden(text="Origin not allowed")

    async def key(request):
        return web.json_response({"error": {"message": "Invalid API key provided"}}, status=400)

    async def page(request):
        return web.Response(text="<title>Page</title>Hello", content_type="text/html")

    async def slow(request):
        await asyncio.sleep(60)

    routes = {
        "/ws": echo,
        "/raises": raises,
        "/json": json,
        "/early": early,
        "/unauthorized": unauthorized,
        "/origin": origin,
        "/key": key,
        "/page": page,
        "/slow": slow,
    }
    app = web.Application()
    app.add_routes([web.get(path, handler) for path, handler in routes.items()])
    app.add_routes([web.post("/post", page)])
    exit_with_stdin()
    web.run_app(app, sock=listener(), print=None, access_log=None)


def tornado():
    from tornado import httpserver, web
    from tornado.websocket import WebSocketHandler

    class Echo(WebSocketHandler):
        def on_message(self, message):
            self.write_message(message)

    class Raises(WebSocketHandler):
        def on_message(self, message):
            raise RuntimeError

    class Forbidden(WebSocketHandler):
        def prepare(self):
            raise web.HTTPError(403)

    class Unauthorized(WebSocketHandler):
        def prepare(self):
            raise web.HTTPError(401, reason="Token missing")

    class Subprotocol(WebSocketHandler):
        def open(self):
            self.close(1002, "subprotocol required")

    class Page(web.RequestHandler):
        def get(self):
            self.write("Hello")

    async def main():
        app = web.Application(
            [
                ("/ws", Echo),
                ("/raises", Raises),
                ("/forbidden", Forbidden),
                ("/unauthorized", Unauthorized),
                ("/subprotocol", Subprotocol),
                ("/page", Page),
            ],
            websocket_max_message_size=100,
        )
        server = httpserver.HTTPServer(app)
        sock = listener()
        sock.setblocking(False)
        server.add_socket(sock)
        await asyncio.Future()

    exit_with_stdin()
    asyncio.run(main())


def flask_sock_app():
    from flask import Flask
    from flask_sock import Sock

    app = Flask(__name__)
    sock = Sock(app)

    @sock.route("/ws")
    def echo(ws):
        while True:
            ws.send(ws.receive())

    @sock.route("/raises")
    def raises(ws):
        ws.receive()
        raise RuntimeError

    @sock.route("/close")
    def close(ws):
        ws.close(1008, "Login required")

    @app.route("/page")
    def page():
        return "Hello"

    return app


def flask_sock():
    from werkzeug.serving import make_server

    server = listener()
    server = make_server(
        "127.0.0.1", 0, flask_sock_app(), threaded=True, fd=server.detach()
    )
    exit_with_stdin()
    quiet_stderr()
    server.serve_forever()


def quiet_stderr():
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def gunicorn(where, port):
    app = "servers:flask_sock_app()"
    binding = f"127.0.0.1:{port}"
    return [sys.executable, "-m", "gunicorn", "--threads", "8", "--bind", binding, app]


def gunicorn_sync(where, port):
    """Without threads, a worker serves one connection at a time."""
    app = "servers:flask_sock_app()"
    return [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", app]


def flask_socketio():
    from flask import Flask
    from flask_socketio import SocketIO
    from werkzeug.serving import make_server

    app = Flask(__name__)
    SocketIO(app, async_mode="threading", cors_allowed_origins=["https://app.example"])
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listener().detach())
    exit_with_stdin()
    quiet_stderr()
    server.serve_forever()


def sanic(where, port):
    return [sys.executable, __file__, "sanic-app", str(port)]


def sanic_app():
    from sanic import Sanic
    from sanic.exceptions import Forbidden, Unauthorized
    from sanic.response import text

    app = Sanic("peer", configure_logging=False)

    @app.websocket("/ws")
    async def echo(request, ws):
        async for message in ws:
            await ws.send(message)

    @app.websocket("/raises")
    async def raises(request, ws):
        await ws.recv()
        raise RuntimeError

    @app.websocket("/unauthorized")
    async def unauthorized(request, ws):
        raise Unauthorized("Token missing")

    @app.get("/page")
    async def page(request):
        return text("Hello")

    @app.get("/forbidden")
    async def forbidden(request):
        raise Forbidden

    app.run("127.0.0.1", int(sys.argv[2]), single_process=True, motd=False, access_log=False)


def websockify(where, port):
    """In front of a port where nothing listens."""
    return [sys.executable, "-m", "websockify", f"127.0.0.1:{port}", "127.0.0.1:9"]


def websockify_echo(where, port):
    """In front of a server that echoes bytes."""
    server = socket.create_server(("127.0.0.1", 0))

    def copy(stream):
        while data := stream.recv(65536):
            stream.sendall(data)

    def accept():
        while True:
            threading.Thread(target=copy, args=server.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    back = server.getsockname()[1]
    return [sys.executable, "-m", "websockify", f"127.0.0.1:{port}", f"127.0.0.1:{back}"]


def mosquitto(where, port, protocol="websockets"):
    config = where / "mosquitto.conf"
    # It starts only with a listener without WebSocket.
    config.write_text(
        f"allow_anonymous true\nuser {user()}\nlistener 0 {where}/socket\n"
        f"listener {port} 127.0.0.1\nprotocol {protocol}\n"
    )
    return ["mosquitto", "-c", config]


def mosquitto_tcp(where, port):
    """A listener without WebSocket."""
    return mosquitto(where, port, "mqtt")


def user():
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


PROGRAMS = {
    "daphne": daphne,
    "gunicorn": gunicorn,
    "gunicorn-sync": gunicorn_sync,
    "mosquitto": mosquitto,
    "mosquitto-tcp": mosquitto_tcp,
    "sanic": sanic,
    "websockify": websockify,
    "websockify-echo": websockify_echo,
}
SERVERS = {
    "aiohttp": aiohttp,
    "django": lambda: django(False),
    "django-debug": lambda: django(True),
    "flask-sock": flask_sock,
    "flask-socketio": flask_socketio,
    "http.server": http_server,
    "hypercorn": hypercorn,
    "sanic-app": sanic_app,
    "tornado": tornado,
    "uvicorn-none": lambda: uvicorn("none"),
    "uvicorn-sansio": lambda: uvicorn("websockets-sansio"),
    "uvicorn-websockets": lambda: uvicorn("websockets"),
    "uvicorn-wsproto": lambda: uvicorn("wsproto"),
    "websockets": websockets,
    "websockets-strict": websockets_strict,
}

if __name__ == "__main__":
    # Handlers fail on purpose.
    logging.disable()
    warnings.simplefilter("ignore")
    name = sys.argv[1]
    if name in PROGRAMS:
        folder = os.path.dirname(os.path.abspath(__file__))
        os.environ["PYTHONPATH"] = folder
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        daemon.run(PROGRAMS[name])
    else:
        SERVERS[name]()
