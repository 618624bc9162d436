"""Conversations at a terminal."""

import contextlib
import signal

from conversation import conversation
from listeners import LOST, connect, listen
from websocket import TEXT, Closed, upgrade


@conversation()
def a_prompt(run):
    history = {"SOCKEYE_HISTORY": run.path("history")}
    program = run.start(run.at(run.servers.plain, "echo"), terminal=True, env=history)
    program.wait_for(b"> ")
    program.type(b"hello", b"< hello")
    program.type(b'/text {"a": [1, 2]}', b'< {"a"')
    program.type(b"/ping", b"pong (")
    program.write(b"/quit\r")
    program.leave()
    run.complete(b"hello" in run.read("history"), "a line of the history", told="history")


@conversation()
def a_prompt_with_a_recording_and_keys(run):
    program = run.start(
        "--record", run.path("run.jsonl"), run.at(run.servers.plain, "echo"), terminal=True,
    )  # fmt: skip
    program.wait_for(b"> ")
    program.type(b"one\x01\x05 more", b"< one more")
    program.type(b"\x1b[A", b"< one more")
    program.type(b"/save saved.txt", b"written to saved")
    program.leave()
    run.complete(run.read("run.jsonl").count(b"one more") >= 2, "a message of the recording")


@conversation()
def a_prompt_that_connects_again(run):
    program = run.start(run.at(run.servers.plain, "away"), terminal=True)
    program.wait_for(b"> ")
    program.type(b"one", b"1012")
    program.type(b"/reconnect", b"onnected")
    program.type(b"two", b"< two")
    program.leave()


@conversation()
def a_demo(run):
    program = run.start("demo", terminal=True)
    program.wait_for(b"> ")
    program.type(b"hello", b"< hello")
    program.leave()


@conversation()
def a_prompt_that_is_interrupted(run):
    program = run.start(run.at(run.servers.plain, "echo"), terminal=True)
    program.wait_for(b"> ")
    program.type(b"hello", b"< hello")
    program.write(b"\x03")
    program.write(b"\x03")
    run.expected_signal = signal.SIGINT
    program.leave()


@conversation()
def a_prompt_of_a_server(run):
    program = listen(run, terminal=True)
    with contextlib.suppress(Closed, OSError), connect(run) as stream:
        peer = upgrade(stream)
        peer.send(TEXT, b"hello")
        program.wait_for(b"hello")
        program.write(b"welcome\r")
        told = peer.message()
        program.type(b"/who", b"127.0.0.1")
        peer.close()
        run.complete(told == b"welcome", "a message", LOST)
    program.leave()
