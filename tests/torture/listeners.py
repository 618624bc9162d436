"""Conversations of `sockeye listen`, with clients of the runner."""

import contextlib
import signal
import socket
import ssl
import subprocess
import time

import peers
from clients import LONG, events, lines
from conversation import conversation
from websocket import TEXT, Closed, upgrade

# What stderr says about a client that was lost or refused by an error.
LOST = r"client \d+ disconnected: (?!1000|1001|1005)|refused|cannot|failed|lost|dropped"


def listen(run, *args, **options):
    """Starts a server at a free port."""
    run.port = peers.free_port()
    return run.start("listen", f"127.0.0.1:{run.port}", *args, **options)


def connect(run):
    """Opens a connection to the server as soon as it listens."""
    end = time.monotonic() + run.step
    while True:
        try:
            if isinstance(run.port, str):
                stream = socket.socket(socket.AF_UNIX)
                stream.connect(run.port)
            else:
                stream = socket.create_connection(("127.0.0.1", run.port), run.step)
            stream.settimeout(run.step)
            return stream
        except OSError as error:
            if run.program.poll() is not None or time.monotonic() > end:
                raise Closed(str(error)) from error
            time.sleep(0.005)


def ask(run, *words, path="/", wrap=None):
    """Has a session with the server that sends each word, and returns the answers."""
    answers = []
    with contextlib.suppress(Closed, OSError), connect(run) as stream:
        if wrap is not None:
            stream = wrap(stream)
        peer = upgrade(stream, path)
        for word in words:
            peer.send(TEXT, word)
            answers.append(peer.message())
        peer.close()
        stream.close()
    return answers


def end(run):
    """Ends a server that does not end by itself."""
    run.signal(signal.SIGTERM)
    return run.program.finish()


@conversation()
def an_echo_server(run):
    listen(run, "--echo", "-v")
    first, second = ask(run, b"one", b"two"), ask(run, b"three")
    end(run)
    run.complete([first, second] == [[b"one", b"two"], [b"three"]], "an echo", LOST)


@conversation()
def a_server_for_one_client(run):
    listen(run, "--echo", "-v", "--once", "-v")
    answers = ask(run, b"one")
    if not answers:
        return end(run)
    run.program.finish()


@conversation()
def a_server_with_a_unix_socket(run):
    run.port = run.path("listen.sock")
    run.start("listen", f"unix:{run.port}", "--echo", "-v")
    answers = ask(run, b"one", b"two")
    end(run)
    run.complete(answers == [b"one", b"two"], "an echo", LOST)


@conversation()
def a_chat(run):
    listen(run, "--broadcast", "-v")
    heard = []
    with contextlib.suppress(Closed, OSError), connect(run) as one, connect(run) as two:
        ada, bob = upgrade(one), upgrade(two)
        ada.send(TEXT, b"hello")
        heard.append(bob.message())
        bob.send(TEXT, b"welcome")
        heard.append(ada.message())
        ada.close()
        bob.close()
    end(run)
    run.complete(heard == [b"hello", b"welcome"], "a message", LOST)


@conversation()
def lines_to_and_from_clients(run):
    program = listen(run, stdin=b"")
    run.complete(True, "")
    with contextlib.suppress(Closed, OSError), connect(run) as stream:
        peer = upgrade(stream)
        peer.send(TEXT, b"from the client")
        program.wait_for(b"from the client\n")
        peer.close()
    end(run)
    run.complete(program.stdout == b"from the client\n", f"stdout: {program.stdout}", LOST)


@conversation()
def events_of_clients(run):
    program = listen(run, "--output", "jsonl", "--record", run.path("run.jsonl"), "--har", run.path("run.har"))
    with contextlib.suppress(Closed, OSError), connect(run) as stream:
        peer = upgrade(stream)
        peer.send(TEXT, b"one")
        program.wait_for(b'"one"')
        peer.close()
    end(run)
    for name, found in (("stdout", events(program.stdout)), ("recording", events(run.read("run.jsonl")))):
        run.complete(found.count("one") == 1, f"an event of {name}: {found}", LOST)


@conversation(threads=False)
def a_command_for_each_client(run):
    listen(run, "--exec", "cat", "-v")
    answers = ask(run, b"one", b"two")
    end(run)
    run.complete(answers == [b"one", b"two"], "an answer", LOST)


REPLIES = b"""
[[on]]
open = true
send = "hello"

[[on]]
otherwise = true
delay = 0.01
do = "echo"
"""


def greeted(run, word):
    answers = []
    with contextlib.suppress(Closed, OSError), connect(run) as stream:
        peer = upgrade(stream)
        answers.append(peer.message())
        peer.send(TEXT, word)
        answers.append(peer.message())
        peer.close()
    return answers


@conversation()
def a_reply_script(run):
    listen(run, "-v", "--reply", run.path("replies.toml", REPLIES))
    answers = greeted(run, b"one")
    end(run)
    run.complete(answers == [b"hello", b"one"], "a reply", LOST)


@conversation()
def a_reply_script_that_is_read_again(run):
    program = listen(run, "-v", "--reply", run.path("replies.toml", REPLIES))
    first = greeted(run, b"one")
    if not first:
        program.settle()
    run.path("replies.toml", REPLIES.replace(b"hello", b"again"))
    program.send_signal(signal.SIGHUP)
    run.expected_signal = signal.SIGHUP
    program.wait_for(b"again", "stderr")
    second = greeted(run, b"two")
    if program.poll() is None:
        end(run)
    program.finish()
    run.complete([first, second] == [[b"hello", b"one"], [b"again", b"two"]], "a reply", LOST + "|read")


@conversation()
def a_proxy_with_faults(run):
    script = f'forward = "{run.at(run.servers.plain, "echo")}"\n'.encode()
    listen(run, "-v", "--reply", run.path("replies.toml", script), "--fault", "delay 0.01 every 2 out")
    answers = ask(run, b"one", b"two")
    end(run)
    run.complete(answers == [b"one", b"two"], "an answer", LOST)


@conversation()
def a_tls_server(run):
    context = ssl.create_default_context(cafile=run.servers.certificate)
    listen(run, "--echo", "-v", "--cert", run.servers.certificate, "--key", run.servers.key)
    answers = ask(run, b"one", wrap=lambda stream: context.wrap_socket(stream, server_hostname="localhost"))
    end(run)
    run.complete(answers == [b"one"], "an echo", LOST)


@conversation()
def a_server_with_its_own_certificate(run):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    listen(run, "--echo", "-v", "--tls-self-signed")
    answers = ask(run, b"one", wrap=context.wrap_socket)
    end(run)
    run.complete(answers == [b"one"], "an echo", LOST)


@conversation()
def an_http2_server(run):
    listen(run, "--echo", "-v").wait_for(b"listening", "stderr")
    client = subprocess.run(
        [run.settings.binary, "--http2", "-m", "60", "-x", "one", "--count", "1", f"ws://127.0.0.1:{run.port}"],
        stdin=subprocess.DEVNULL, capture_output=True, env={"HOME": run.directory},
    )  # fmt: skip
    end(run)
    run.complete(client.stdout == b"one\n", "an echo", LOST + "|ended without a request")


@conversation()
def a_server_that_refuses(run):
    listen(run, "--echo", "-v", "--auth", "me:secret", "--max-clients", "1")
    refused = ask(run, b"one")
    end(run)
    run.complete(refused == [], "a refusal")


@conversation()
def a_server_that_is_interrupted_in_a_session(run):
    listen(run, "--echo", "-v", "--record", run.path("run.jsonl"))
    answers = []
    with contextlib.suppress(Closed, OSError), connect(run) as stream:
        peer = upgrade(stream)
        peer.send(TEXT, b"one")
        answers.append(peer.message())
        run.signal(signal.SIGINT)
        with contextlib.suppress(Closed):
            peer.message()
    if not answers:
        # A program that ends by itself says why.
        run.program.settle()
        run.signal(signal.SIGINT)
    run.program.finish()
    found = events(run.read("run.jsonl"))
    run.complete(found.count("one") == 2, f"an event of the recording: {found}", LOST)


@conversation()
def long_messages_to_a_server(run):
    word = b"z" * LONG
    program = listen(run, "--output", "jsonl")
    with contextlib.suppress(Closed, OSError), connect(run) as stream:
        peer = upgrade(stream)
        peer.send(TEXT, word)
        program.wait_for(b'zzz"')
        peer.close()
    end(run)
    run.complete(word.decode() in events(program.stdout), "an event", LOST)
