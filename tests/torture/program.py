"""One run of the program under strace, which counts its system calls or lets one of them fail."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter, defaultdict
from typing import NamedTuple

# No documented limit that the conversations can reach is longer. A run that takes longer hangs.
LIMIT_SECONDS = 20
# How long a step waits for something that an error may have prevented. It is longer than the close
# timeout, after which a session whose sending failed ends.
STEP_SECONDS = 3
# The limit of a run in which nothing fails. On a busy machine it takes long; the limits above grow with
# the time that it took.
BASE_SECONDS = 120
PAIR = r"UNIX-STREAM:\[\d+->\d+\]"
ESCAPES = re.compile(rb"\x1b\[[0-?]*[@-~]")

# Kinds of files, by what strace prints in angle brackets.
KINDS = (
    (r"pipe:", "pipe"), (r"TCP", "tcp"), (r"UDP", "udp"), (r"UNIX", "unix"), (r"/dev/(pts/|tty)", "terminal"),
    (r"anon_inode:", "event"), (r"/dev/null", "null"), (r"/proc/", "proc"), (r"/", "file"),
)  # fmt: skip


class Injection(NamedTuple):
    """The `when`th call of this name in a thread fails with an error."""

    call: str
    error: str
    when: int

    def __str__(self):
        return f"{self.call}:{self.error}:{self.when}"


class Run:
    """One run of a conversation: what it may use, and what became of it."""

    numbers = iter(range(1, 1 << 60))
    lock = threading.Lock()

    def __init__(self, settings, conversation, injection=None):
        with self.lock:
            self.number = str(next(self.numbers))
        self.settings = settings
        self.conversation = conversation
        self.injection = injection
        self.servers = settings.servers
        self.directory = tempfile.mkdtemp(prefix=f"{self.number}-", dir=settings.directory)
        self.program = None
        self.losses = []
        self.expected_signal = None
        self.expected_status = 0
        self.port = None
        # The duration of the conversation when nothing fails; None for that run itself.
        self.usual = settings.durations.get(conversation.name) if injection else None

    @property
    def limit(self):
        """Returns the time after which the program is taken to hang."""
        return BASE_SECONDS if self.usual is None else LIMIT_SECONDS + 10 * self.usual

    @property
    def step(self):
        """Returns the longest time to wait for something that may not happen."""
        return BASE_SECONDS / 2 if self.usual is None else STEP_SECONDS + 3 * self.usual

    def path(self, name, content=None):
        """Returns the path of a file of this run, and writes it if there is content."""
        path = os.path.join(self.directory, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    def read(self, name):
        """Returns the content of a file, empty if there is none."""
        with contextlib.suppress(OSError), open(self.path(name), "rb") as file:
            return file.read()
        return b""

    def at(self, base, path):
        """Returns the URL of a path of a server."""
        return f"{base}/{path}/{self.number}"

    def start(self, *args, **options):
        self.program = Program(self, args, **options)
        return self.program

    def finish(self, *args, **options):
        """Runs the program to its end."""
        return self.start(*args, **options).finish()

    def signal(self, number):
        """Sends a signal that ends the program, which may then end by it."""
        self.expected_signal = number
        self.program.send_signal(number)

    def complete(self, condition, what, told=None):
        """Records a loss unless the condition holds or stderr matches `told`. A run must not succeed with one."""
        if not condition and not (told and re.search(told, self.program.words())):
            self.losses.append(what)

    def calls(self):
        """Returns the calls of the trace."""
        return traced_calls(self.read("trace").decode(errors="replace"))

    def injected(self):
        """Returns the lines of the calls that failed because of the injection."""
        if self.injection is None:
            return []
        return injected_calls(self.read("trace").decode(errors="replace"))

    def clean_up(self):
        self.servers.paths.forget(self.number)
        shutil.rmtree(self.directory, ignore_errors=True)


class Program:
    """The program under strace."""

    def __init__(self, run, args, stdin=None, stdout=None, env=(), terminal=False):
        self.run = run
        self.output = {"stdout": b"", "stderr": b""}
        self.changed = threading.Condition()
        self.terminal = self.stdin = None
        self.status = self.seconds = None
        self.hangs = False
        environment = {
            "HOME": run.directory, "PATH": os.environ["PATH"], "TERM": "xterm", "TMPDIR": run.directory,
            "LANG": "C.UTF-8", **dict(env),
        }  # fmt: skip
        command = [*tracer(run), run.settings.binary, *map(str, args)]
        self.command = [run.settings.binary, *map(str, args)]
        self.started = time.monotonic()
        if terminal:
            self.start_at_terminal(command, environment)
        else:
            self.start_with_pipes(command, environment, stdin, stdout)

    def start_at_terminal(self, command, environment):
        self.terminal, slave = os.openpty()
        # setsid starts no other process here, so this one is strace.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=slave, stdout=slave, stderr=slave, env=environment,
            cwd=self.run.directory,
        )  # fmt: skip
        os.close(slave)
        self.stderr_file = "/dev/pts/"
        self.readers = [self.reader("stdout", self.terminal)]

    def start_with_pipes(self, command, environment, stdin, stdout):
        read_end = None
        if stdin is None:
            source = subprocess.DEVNULL
        elif isinstance(stdin, str):
            source = os.open(stdin, os.O_RDONLY)
        else:
            source, self.stdin = os.pipe()
        if stdout is None:
            read_end, target = os.pipe()
        else:
            target = os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        stderr, stderr_target = os.pipe()
        self.stderr_file = f"pipe:[{os.fstat(stderr).st_ino}]"
        self.process = subprocess.Popen(
            command, stdin=source, stdout=target, stderr=stderr_target, env=environment, cwd=self.run.directory,
            start_new_session=True,
        )  # fmt: skip
        for descriptor in (source, target, stderr_target):
            if descriptor >= 0:
                os.close(descriptor)
        self.readers = [self.reader("stderr", stderr)]
        if read_end is not None:
            self.readers.append(self.reader("stdout", read_end))
        if isinstance(stdin, bytes):
            threading.Thread(target=self.feed, args=(stdin,), daemon=True).start()

    def reader(self, name, descriptor):
        thread = threading.Thread(target=self.collect, args=(name, descriptor), daemon=True)
        thread.start()
        return thread

    def collect(self, name, descriptor):
        # The end of a terminal is EIO.
        with contextlib.suppress(OSError):
            while part := os.read(descriptor, 65536):
                with self.changed:
                    self.output[name] += part
                    self.changed.notify_all()
        os.close(descriptor)
        if descriptor == self.terminal:
            self.terminal = None

    def feed(self, data):
        self.write(data)
        self.end_input()

    def write(self, data):
        """Writes to stdin, or types at the terminal."""
        target = self.stdin if self.terminal is None else self.terminal
        with contextlib.suppress(OSError, TypeError):
            while data:
                data = data[os.write(target, data) :]

    def end_input(self):
        with contextlib.suppress(OSError):
            os.close(self.stdin)

    def wait_for(self, text, name="stdout", count=1):
        """Waits until a stream has a text, the program has ended, or the time of a step is over."""
        end = time.monotonic() + self.run.step
        with self.changed:
            while self.count(text, name) < count and time.monotonic() < end and self.poll() is None:
                self.changed.wait(0.05)
            return self.count(text, name) >= count

    def count(self, text, name="stdout"):
        """Counts a text in what a stream shows, without the sequences that colour it or move the cursor."""
        shown = self.output[name]
        return (shown if self.terminal is None else ESCAPES.sub(b"", shown)).count(text)

    def type(self, line, shown):
        """Enters a line at the terminal, and waits until the screen shows a text."""
        seen = self.count(shown)
        self.write(line + b"\r")
        return self.wait_for(shown, count=seen + 1)

    def leave(self):
        """Clears the line and leaves the prompt, as often as it takes: a line may come back unsent."""
        end = time.monotonic() + self.run.limit
        while self.poll() is None and time.monotonic() < end:
            self.write(b"\x05\x15\x04")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.3)
        return self.finish()

    def poll(self):
        return self.process.poll()

    def send_signal(self, number):
        with contextlib.suppress(OSError, IndexError):
            os.kill(children(self.process.pid)[0], number)

    def settle(self):
        """Waits a second for a program that may be about to end by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)

    def finish(self):
        """Waits for the end of the program and takes its output."""
        try:
            self.process.wait(max(0.1, self.started + self.run.limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.hangs = True
            for pid in [*descendants(self.process.pid), self.process.pid]:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self.seconds = time.monotonic() - self.started
        self.status = self.process.returncode
        for thread in self.readers:
            # A command that the program started may keep the stream open.
            thread.join(STEP_SECONDS)
        return self

    @property
    def stdout(self):
        return self.output["stdout"]

    def words(self):
        """Returns what a person was told."""
        return (self.output["stderr"] or (self.stdout if self.stderr_file == "/dev/pts/" else b"")).decode(
            errors="replace"
        )


def tracer(run):
    trace = run.path("trace")
    if run.injection is None:
        options = ["-f"]
    else:
        call, error, when = run.injection
        options = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
        # The children of some conversations are other programs, whose calls do not matter.
        if run.conversation.threads:
            options += ["-f", "--seccomp-bpf"]
    return ["strace", "-o", trace, "-yy", "-s", "40", *options]


def traced_calls(trace):
    """Returns the calls of a trace: for each name, a set of kinds for each number in a thread.

    The calls before the first poll, which the runtime of Rust makes before main, belong to the dynamic
    linker. They are left out, as are those of programs that the program has started.
    """
    counts, linker, other = defaultdict(Counter), None, set()
    calls = defaultdict(lambda: defaultdict(set))
    main = None
    # Sockets by which the process wakes itself.
    pairs = {pair for line in re.findall(r"socketpair\(.*", trace) for pair in re.findall(PAIR, line)}
    for line in trace.splitlines():
        match = re.match(r"(\d+) +(\w+)\(", line)
        if not match or match[1] in other:
            continue
        thread, call = match.groups()
        main = main or thread
        counts[thread][call] += 1
        if thread == main and linker is None:
            if call == "poll":
                linker = Counter(counts[main])
                calls.clear()
        elif counts[thread][call] > linker[call]:
            is_pair = call != "socketpair" and not pairs.isdisjoint(re.findall(PAIR, line))
            calls[call][counts[thread][call]].add("pair" if is_pair else kind(call, line))
        if call == "execve" and thread != main:
            other.add(thread)
    return calls


def injected_calls(trace):
    """Returns the lines of the calls that failed because of the injection, each in one piece."""
    begun, found = {}, []
    for line in trace.splitlines():
        thread = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif line.endswith("(INJECTED)"):
            found.append(re.sub(r"^\d+ +<\.\.\. \w+ resumed>", lambda _: begun.get(thread, ""), line))
    return found


def kind(call, line):
    """Returns the kind of a traced call: its command, or the kind of its file."""
    if call in ("fcntl", "ioctl"):
        match = re.search(r"\(.*?, (?:\w+ or )?(\w+)", line)
        return match[1] if match else ""
    match = re.search(r"\(\d+<([^>]*)", line)
    file = match[1] if match else ""
    for pattern, name in KINDS:
        if re.match(pattern, file):
            return name
    return ""


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def descendants(pid):
    found = []
    with contextlib.suppress(OSError):
        for child in children(pid):
            found += [child, *descendants(child)]
    return found
