"""Conversations of a client in a pipe, with servers and proxies of the runner."""

import json
import re
import signal

from conversation import conversation

# Longer than what is kept in memory.
LONG = 5 << 18


def lines(*words):
    return b"".join(word + b"\n" for word in words)


def events(data):
    """Returns the types of the events of JSON Lines, and of messages the data too."""
    found = []
    for line in data.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        found.append(event["data"] if event["type"] in ("text", "binary") else event["type"])
    return found


def har_messages(data):
    """Returns the messages of all entries of a HAR."""
    try:
        entries = json.loads(data)["log"]["entries"]
    except ValueError:
        return None
    return [message["data"] for entry in entries for message in entry.get("_webSocketMessages", [])]


@conversation()
def lines_of_a_pipe(run):
    end = run.finish("--count", 2, run.at(run.servers.plain, "echo"), stdin=lines(b"one", b"two"))
    run.complete(end.stdout == lines(b"one", b"two"), "stdout")


@conversation()
def lines_until_silence(run):
    end = run.finish("-w", 0.2, run.at(run.servers.plain, "echo"), stdin=lines(b"one", b"two"))
    run.complete(end.stdout == lines(b"one", b"two"), "stdout")


@conversation()
def a_file_to_a_file(run):
    source = run.path("in", lines(b"one", b"two"))
    run.finish("--count", 2, run.at(run.servers.plain, "echo"), stdin=source, stdout=run.path("out"))
    run.complete(run.read("out") == lines(b"one", b"two"), "the file that stdout is")


@conversation()
def a_message_of_an_argument(run):
    end = run.finish("-x", "hi", "--count", 1, run.at(run.servers.plain, "echo"))
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def messages_of_a_server_that_closes(run):
    end = run.finish("--receive-only", run.at(run.servers.plain, "push/3/9"))
    run.complete(end.stdout == lines(*(b"%d........" % n for n in range(3))), "stdout")


@conversation()
def long_messages_received(run):
    end = run.finish("--receive-only", run.at(run.servers.plain, f"push/2/{LONG}"))
    run.complete(end.stdout == lines(b"0".ljust(LONG, b"."), b"1".ljust(LONG, b".")), "stdout")


@conversation()
def a_long_line_sent(run):
    end = run.finish("--count", 1, run.at(run.servers.plain, "echo"), stdin=lines(b"y" * LONG))
    run.complete(end.stdout == lines(b"y" * LONG), "stdout")


@conversation()
def messages_that_are_only_sent(run):
    run.finish("--send-only", run.at(run.servers.plain, "collect"), stdin=lines(b"one", b"two"))
    run.complete(run.servers.paths.messages[run.number] == [b"one", b"two"], "a message to the server")


@conversation()
def a_file_sent_as_binary(run):
    file = run.path("in", bytes(range(256)))
    end = run.finish(
        "-x", f"@{file}", "--count", 1, "--delimiter", "none", "-b", run.at(run.servers.plain, "echo"),
    )  # fmt: skip
    run.complete(end.stdout == bytes(range(256)), "stdout")


@conversation()
def actions_and_events(run):
    actions = lines(b'{"type":"ping"}', b'{"type":"text","data":"one"}', b'{"type":"wait","seconds":0.05}')
    end = run.finish(
        "--input", "jsonl", "--output", "jsonl", "--count", 1, run.at(run.servers.plain, "echo"), stdin=actions,
    )  # fmt: skip
    found = events(end.stdout)
    run.complete("one" in found and "end" in found, f"an event: {found}")


@conversation()
def a_long_message_as_an_event(run):
    end = run.finish("--output", "jsonl", "--receive-only", run.at(run.servers.plain, f"push/2/{LONG}"))
    found = [len(event) for event in events(end.stdout) if len(event) > 100]
    run.complete(found == [LONG, LONG], f"an event: {found}")


@conversation()
def a_recording(run):
    end = run.finish(
        "--record", run.path("run.jsonl"), "-x", "one", "-x", "two", "--count", 2, run.at(run.servers.plain, "echo"),
    )  # fmt: skip
    run.complete(end.stdout == lines(b"one", b"two"), "stdout")
    found = events(run.read("run.jsonl"))
    run.complete([*map(found.count, ("one", "two", "end"))] == [2, 2, 1], f"an event of the recording: {found}")


@conversation()
def a_recording_of_long_messages(run):
    run.finish("--record", run.path("run.jsonl"), "--receive-only", run.at(run.servers.plain, f"push/2/{LONG}"))
    found = [len(event) for event in events(run.read("run.jsonl")) if len(event) > 100]
    run.complete(found == [LONG, LONG], f"a message of the recording: {found}")


@conversation()
def an_http_archive(run):
    run.finish("--har", run.path("run.har"), "-x", "one", "--count", 1, run.at(run.servers.plain, "echo"))
    found = har_messages(run.read("run.har"))
    run.complete(found == ["one", "one"], f"a message of the archive: {found}")


@conversation()
def an_http_archive_of_long_messages(run):
    run.finish("--har", run.path("run.har"), "--receive-only", run.at(run.servers.plain, f"push/2/{LONG}"))
    found = [*map(len, har_messages(run.read("run.har")) or [])]
    run.complete(found == [LONG, LONG], f"a message of the archive: {found}")


@conversation()
def a_report_of_the_session(run):
    end = run.finish(
        "-v", "--write-out", "%{messages_received}\\n", "-x", "hi", "--count", 1, run.at(run.servers.plain, "echo"),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n1\n", f"stdout: {end.stdout}")


@conversation()
def frames_and_bytes(run):
    end = run.finish("--frames", "--trace", "-x", "hi", "--count", 1, run.at(run.servers.plain, "echo"))
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def a_conversation(run):
    end = run.finish(
        "--expand", "--answer", "^ping$", "pong", "-x", "token=abc", "--expect", r"token=(?<tok>\w+)",
        "-x", "use ${tok}", "--every", "0.02", "tick", "--until", "use abc", run.at(run.servers.plain, "echo"),
    )  # fmt: skip
    shown = end.stdout.replace(b"tick\n", b"")
    run.complete(shown == lines(b"token=abc", b"use abc"), f"stdout: {end.stdout}")


@conversation()
def tls(run):
    end = run.finish(
        "--ca", run.servers.certificate, "-x", "hi", "--count", 1, run.at(run.servers.tls, "echo"),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def tls_with_a_log_of_keys(run):
    keys = {"SSLKEYLOGFILE": run.path("keys")}
    end = run.finish("-k", "-x", "hi", "--count", 1, run.at(run.servers.tls, "echo"), env=keys)
    run.complete(end.stdout == b"hi\n", "stdout")
    run.complete(b"CLIENT_TRAFFIC_SECRET_0" in run.read("keys"), "a key in the log", told="SSLKEYLOGFILE|keys")


@conversation()
def tls_with_the_certificates_of_the_system(run):
    run.finish("-x", "hi", "--count", 1, run.at(run.servers.tls, "echo"))
    run.expected_status = 60


@conversation()
def a_host_by_name(run):
    end = run.finish("-x", "hi", "--count", 1, run.at(run.servers.named, "echo"))
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def a_unix_socket(run):
    end = run.finish(
        "--unix-socket", run.servers.unix, "-x", "hi", "--count", 1, run.at("ws://localhost", "echo"),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def an_http_proxy(run):
    end = run.finish(
        "--proxy", run.servers.proxy, "-x", "hi", "--count", 1, run.at(run.servers.plain, "echo"),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def tls_through_an_http_proxy(run):
    end = run.finish(
        "--proxy", run.servers.proxy, "--ca", run.servers.certificate, "-x", "hi", "--count", 1,
        run.at(run.servers.tls, "echo"),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def a_socks_proxy(run):
    end = run.finish("--proxy", run.servers.socks, "-x", "hi", "--count", 1, run.at(run.servers.plain, "echo"))
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def http2(run):
    end = run.finish("--http2", "-x", "hi", "--count", 1, run.servers.http2)
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def http2_over_tls(run):
    end = run.finish(
        "--http", "auto", "--ca", run.servers.certificate, "-x", "hi", "--count", 1, run.servers.http2_tls,
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


def reconnecting(run, path):
    end = run.finish(
        "--reconnect=5", "--reconnect-delay", "0.01", "-x", "hi", "--count", 1,
        run.at(run.servers.plain, path),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def a_connection_that_is_reset_and_opened_again(run):
    reconnecting(run, "lost")


@conversation()
def a_session_that_is_closed_and_opened_again(run):
    reconnecting(run, "away")


@conversation()
def a_busy_server(run):
    reconnecting(run, "busy")


@conversation()
def a_redirect_with_cookies(run):
    jar = run.path("cookies.txt", b"# Netscape HTTP Cookie File\n")
    end = run.finish("-L", "--cookie-jar", jar, "-x", "hi", "--count", 1, run.at(run.servers.plain, "moved"))
    run.complete(end.stdout == b"hi\n", "stdout")
    told = "cookie"
    run.complete(re.search(rb"\tid\t%s\n" % run.number.encode(), run.read("cookies.txt")), "a cookie", told)


@conversation()
def digest_credentials(run):
    end = run.finish(
        "-u", "me:secret", "--digest", "-x", "hi", "--count", 1, run.at(run.servers.plain, "secret"),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation()
def credentials_of_files(run):
    netrc = run.path("netrc", b"machine 127.0.0.1 login me password secret\n")
    config = run.path("config.toml", f'[target.dev]\nurl = "{run.at(run.servers.plain, "echo")}"\n'.encode())
    end = run.finish("--config", config, f"--netrc={netrc}", "-x", "hi", "--count", 1, "@dev")
    run.complete(end.stdout == b"hi\n", "stdout")


@conversation(threads=False)
def a_secret_of_a_command(run):
    end = run.finish(
        "--bearer", "cmd:echo token", "-x", "hi", "--count", 1, run.at(run.servers.plain, "echo"),
    )  # fmt: skip
    run.complete(end.stdout == b"hi\n", "stdout")


def interrupted(run, number):
    run.start(
        "--record", run.path("run.jsonl"), "-x", "hi", "-w", -1, run.at(run.servers.plain, "echo"),
    ).wait_for(b"hi\n")  # fmt: skip
    run.signal(number)
    end = run.program.finish()
    run.complete(end.stdout == b"hi\n", "stdout")
    found = events(run.read("run.jsonl"))
    run.complete(found.count("hi") == 2 and "end" in found, f"an event of the recording: {found}")


@conversation()
def a_client_that_is_terminated(run):
    interrupted(run, signal.SIGTERM)


@conversation()
def a_client_that_is_interrupted(run):
    interrupted(run, signal.SIGINT)


@conversation()
def a_client_that_is_hung_up(run):
    interrupted(run, signal.SIGHUP)


@conversation()
def a_recording_that_is_shown(run):
    end = run.finish("show", run.settings.recording)
    run.complete(b"> hi\n< hi\n" in end.stdout, f"stdout: {end.stdout}")


@conversation()
def pages_and_completions(run):
    run.finish("man", run.directory)
    run.complete(run.read("sockeye.1").endswith(b"\n"), "a page")


@conversation()
def help_of_a_topic(run):
    end = run.finish("help", "proxies")
    run.complete(end.stdout.endswith(b"\n"), "stdout")
