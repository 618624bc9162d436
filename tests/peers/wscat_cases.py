"""Command lines of wscat. Each case has a name, the line, and

stdin      "null" for /dev/null; otherwise a pipe that stays open
tty        run on a terminal
server     the rules of the server, see wscat_server.Server
steps      what is done with the program, see wscat_lines.run; by default, wait until it ends
ignore     what is not compared: wscat may end before or after it connects
shows      texts that a terminal may show
"""
import signal
import struct

from wscat_server import frame


def close(code, reason=b""):
    return frame(8, struct.pack(">H", code) + reason)


ECHO = {"echo": True}
X = ["-x", "hello", "-w", "0.5"]
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:{port}/there\r\nContent-Length: 0\r\n\r\n"


def status(words):
    return {"replies": [b"HTTP/1.1 " + words + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"] * 3}


def client(name, *line, **more):
    return {"name": name, "line": ["-c", "{url}", *line], **more}


def usage(name, *line, **more):
    return {"name": name, "line": list(line), "no_server": True, "any_stdout": True, **more}


def typed(name, text, *line, **more):
    """Lines on a pipe after the session has opened."""
    steps = [("open",), ("sleep", 0.3), ("type", text), ("got", more.pop("frames", 1)),
             ("sleep", 0.2), ("eof",), ("ends", 8)]
    return client(name, *line, steps=steps, **more)


def terminal(name, text, *line, **more):
    """Keys on a terminal after the session has opened."""
    frames, last = more.pop("frames", 1), more.pop("ends", 1.5)
    steps = [("ready",), ("type", text), ("got", frames), ("sleep", 0.3), ("ends", last)]
    return client(name, *line, tty=True, steps=steps, **more)


def listen(name, *steps, line=("-l", "{own}"), **more):
    return {"name": name, "line": list(line), "no_server": True,
            "steps": [("listens",), *steps], **more}


END = [("eof",), ("ends", 5)]
PING = frame(9, b"hi")

CASES = [
    # What is sent and received.
    client("execute", *X, server=ECHO),
    {"name": "execute-long", "server": ECHO,
     "line": ["--connect", "{url}", "--execute", "hello", "--wait", "0.5"]},
    client("execute-two", "-x", "one", "-x", "two", "-w", "0.5", server=ECHO),
    client("execute-wait-0", "-x", "hello", "-w", "0"),
    client("execute-no-wait", "-x", "hello", server={"then": [frame(1, b"soon"), ("mark", 1.5)]}),
    client("execute-hold", "-x", "hello", "-w", "-1", server={"then": [close(1000)]}),
    client("execute-empty", "-x", "", "-w", "0.5", server=ECHO),
    client("execute-at", "-x", "@file.txt", "-w", "0.5"),
    client("execute-at-at", "-x", "@@file.txt", "-w", "0.5"),
    client("execute-slash", "-x", "/ping", "-w", "0.5"),
    client("execute-number", "-x", "-1", "-w", "0.5"),
    client("execute-unicode", "-x", "é€😀", "-w", "0.5", server=ECHO),
    client("execute-json", "-x", '{"a": [1, 2]}', "-w", "0.5", server=ECHO),
    client("execute-long-message", "-x", "0123456789" * 300, "-w", "0.5", server=ECHO),
    client("execute-then-lines", "-x", "hello", "-w", "1",
           steps=[("open",), ("sleep", 0.2), ("type", b"typed\n"), ("ends", 8)]),
    client("receive-binary", *X, server={"then": [frame(2, b"abc\n")]}),
    client("receive-fragments", *X, server={"then": [frame(1, b"a", fin=False), frame(0, b"b")]}),
    client("receive-empty", *X, server={"then": [frame(1)]}),
    client("receive-lines", *X, server={"then": [frame(1, b"a\nb")]}),
    client("ping-unseen", *X, server={"then": [PING]}),
    client("ping-shown", "-P", *X, server={"then": [PING]}),
    client("ping-shown-long", "--show-ping-pong", *X, server={"then": [PING]}),
    # How a session ends.
    client("peer-closes-1000", "-x", "a", "-w", "9", server={"then": [close(1000, b"bye")]}),
    client("peer-closes-1011", "-x", "a", "-w", "9", server={"then": [close(1011, b"broken")]}),
    client("peer-closes-4000", "-x", "a", "-w", "9", server={"then": [close(4000)]}),
    client("peer-closes-without-code", "-x", "a", "-w", "9", server={"then": [frame(8)]}),
    client("peer-drops-tcp", "-x", "a", "-w", "9", server={"then": [None]}),
    client("peer-masks", "-x", "a", "-w", "9", server={"then": [frame(1, b"a", masked=True)]}),
    client("peer-sends-invalid-utf-8", "-x", "a", "-w", "9", server={"then": [frame(1, b"\xff")]}),
    client("stdin-null", stdin="null", ignore=["requests", "close"],
           steps=[("sleep", 2), ("ends", 0.5)]),
    client("interrupted", "-x", "a", "-w", "9",
           steps=[("open",), ("got", 1), ("signal", signal.SIGINT), ("ends", 8)]),
    client("terminated", "-x", "a", "-w", "9",
           steps=[("open",), ("got", 1), ("signal", signal.SIGTERM), ("ends", 8)]),
    # The request.
    client("header", "-H", "X-A: b", *X),
    client("header-two", "-H", "X-A:b", "--header", "X-B:c", *X),
    client("header-twice", "-H", "X-A:b", "-H", "X-A:c", *X),
    client("header-colon", "-H", "X-A:b:c", *X),
    client("header-no-colon", "-H", "X-A", *X),
    client("header-host", "-H", "Host: other", *X),
    client("host", "--host", "other", *X),
    client("origin", "-o", "https://a.example", *X),
    client("origin-long", "--origin", "https://a.example", *X),
    client("auth", "--auth", "me:secret", *X),
    client("auth-no-password", "--auth", "me:", *X),
    client("version-8", "-p", "8", *X),
    client("version-13", "--protocol", "13", *X),
    client("version-9", "-p", "9", *X),
    client("subprotocol", "-s", "a", *X),
    client("subprotocol-two", "-s", "a", "--subprotocol", "b", *X),
    client("subprotocol-second", "-s", "a", "-s", "b", *X, server={"protocol": "b"}),
    client("subprotocol-refused", "-s", "a", *X, server={"protocol": ""}),
    client("subprotocol-other", "-s", "a", *X, server={"protocol": "z"}),
    client("subprotocol-not-asked", *X, server={"protocol": "z"}),
    # The way to the server.
    client("redirect", "-L", *X, server={"replies": [REDIRECT]}),
    client("redirect-long", "--location", *X, server={"replies": [REDIRECT]}),
    client("redirect-not-followed", *X, server={"replies": [REDIRECT]}),
    client("redirect-too-many", "-L", "--max-redirects", "1", *X, server={"replies": [REDIRECT] * 4}),
    client("refused-401", *X, server=status(b"401 Unauthorized")),
    client("refused-403", *X, server=status(b"403 Forbidden")),
    client("refused-503", *X, server=status(b"503 Service Unavailable")),
    client("proxy", "--proxy", "http://127.0.0.1:{port}", *X, server={"proxy": True}),
    {"name": "proxy-name", "line": ["-c", "ws://h.invalid:9000/p", "--proxy", "http://127.0.0.1:{port}", *X],
     "server": {"proxy": True}},
    {"name": "no-scheme", "line": ["-c", "127.0.0.1:{port}/p?q=1", *X], "server": ECHO},
    {"name": "no-scheme-name", "line": ["-c", "localhost:{port}", *X], "server": ECHO},
    {"name": "http-scheme", "line": ["-c", "http://127.0.0.1:{port}/", *X], "server": ECHO},
    {"name": "fragment", "line": ["-c", "{url}#x", *X]},
    {"name": "wrong-scheme", "line": ["-c", "ftp://127.0.0.1:{port}/", *X]},
    {"name": "nothing-listens", "line": ["-c", "ws://127.0.0.1:{own}/", *X]},
    {"name": "no-such-host", "line": ["-c", "ws://nosuch.invalid/", *X]},
    client("tls-unknown-ca", *X, server={"tls": True}),
    client("tls-no-check", "-n", *X, server={"tls": True}),
    client("tls-no-check-long", "--no-check", *X, server={"tls": True}),
    client("tls-ca", "--ca", "{ca}", *X, server={"tls": True}),
    # Lines of a pipe.
    typed("line", b"hello\n", server=ECHO),
    typed("line-two", b"one\ntwo\n", frames=2, server=ECHO),
    typed("line-empty", b"\n"),
    typed("line-crlf", b"hello\r\n"),
    typed("line-slash", b"/ping\n"),
    typed("slash-ping", b"/ping data\n", "--slash"),
    typed("slash-pong", b"/pong data\n", "--slash"),
    typed("slash-close", b"/close 4000 my reason\n", "--slash"),
    typed("slash-unknown", b"/nosuch\n", "--slash"),
    client("peer-closes-pipe", steps=[("open",), ("ends", 8)], server={"send": [close(1000)]}),
    client("receive-pipe", steps=[("open",), ("sleep", 0.4), ("eof",), ("ends", 8)],
           server={"send": [frame(1, b"hello")]}),
    # On a terminal.
    terminal("terminal-line", b"hello\r", server=ECHO, shows=["Connected", "< hello"]),
    terminal("terminal-enter", b"\r"),
    terminal("terminal-json", b"{\r"),
    terminal("terminal-slash", b"/ping\r"),
    terminal("terminal-slash-ping", b"/ping\r", "--slash"),
    terminal("terminal-ctrl-c", b"\x03"),
    terminal("terminal-ctrl-c-line", b"typed\x03"),
    terminal("terminal-paste", b"\x1b[200~one\ntwo\x1b[201~\r", frames=2),
    terminal("terminal-ctrl-d", b"\x04"),
    terminal("terminal-binary", b"a\r", server={"then": [frame(2, b"abc")]}, shows=["< abc", "61 62 63"]),
    terminal("terminal-ping", b"a\r", "-P", server={"then": [PING]}, shows=['Received ping (data: "hi")']),
    terminal("terminal-peer-closes", b"a\r", server={"then": [close(1000, b"bye")]},
             shows=['Disconnected (code: 1000, reason: "bye")']),
    client("terminal-execute-hold", "-x", "a", "-w", "-1", tty=True, server=ECHO, shows=["< a"],
           steps=[("open",), ("got", 1), ("sleep", 0.4), ("type", b"typed\r"), ("got", 2), ("ends", 0.3)]),
    # A server.
    listen("listen", ("client", "127.0.0.1", {"send": [frame(1, b"hello", masked=True)]}), *END),
    listen("listen-long", ("client", "127.0.0.1", {}), *END, line=("--listen", "{own}")),
    listen("listen-types", ("client", "127.0.0.1", {"type": b"typed\n", "receive": 1}), *END),
    listen("listen-other-address", ("client", "127.0.0.2", {}), *END),
    listen("listen-ipv6", ("client", "::1", {}), *END),
    listen("listen-subprotocol", ("client", "127.0.0.1", {"offer": "a"}), *END),
    listen("listen-second-client", ("client", "127.0.0.1", {"close": "kept"}),
           ("client", "127.0.0.1", {}), *END),
    listen("listen-interrupted", ("signal", signal.SIGINT), ("ends", 5)),
    usage("listen-no-port", "-l", "abc"),
    usage("listen-port-in-use", "-l", "{port}"),
    # The command line.
    usage("listen-and-connect", "-l", "{own}", "-c", "ws://127.0.0.1:1"),
    usage("no-arguments"),
    usage("version", "--version"),
    usage("version-short", "-V"),
    usage("help", "--help"),
    usage("help-short", "-h"),
    usage("unknown-option", "--nosuch"),
    usage("missing-value", "-c"),
    usage("only-a-url", "ws://127.0.0.1:{own}/"),
    client("no-color", "--no-color", *X, server=ECHO),
]
