//! The client and its own server, over a relay that fails at bytes of all parts of a conversation.
//! Unit tests reach each byte, in virtual time; here are the sockets, the processes and TLS as they
//! are.

use crate::support::{
    LIMIT,
    child::{self, Child, ChildOutput},
    server::Server,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::sockopt::set_socket_linger,
};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    Cut,
    Reset,
    Stall,
    Delay,
    /// Every byte is a segment.
    Split,
}

const FAULTS: [FaultKind; 5] =
    [FaultKind::Cut, FaultKind::Reset, FaultKind::Delay, FaultKind::Split, FaultKind::Stall];

/// A fault after so many bytes to the server or to the client.
#[derive(Clone, Copy, Debug)]
struct Fault {
    is_to_client: bool,
    at: usize,
    kind: FaultKind,
}

/// One connection through the relay.
struct Relay {
    /// The client's socket and the server's.
    ends: [TcpStream; 2],
    /// The bytes passed on to the server and to the client.
    passed: [usize; 2],
    fault: Option<Fault>,
    is_split: bool,
}

impl Relay {
    /// Accepts the next client and connects it to the server.
    fn accept(listener: &TcpListener, server: u16, fault: Option<Fault>) -> Self {
        let (client, _) = listener.accept().expect("a client");
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).expect("the server");
        for end in [&client, &server] {
            end.set_nodelay(true).unwrap();
            end.set_write_timeout(Some(LIMIT)).unwrap();
        }
        Self { ends: [client, server], passed: [0, 0], fault, is_split: false }
    }

    /// Passes bytes on until both sides have ended or a fault ends the connection. After a stall the
    /// sockets stay open until the relay is dropped.
    fn run(&mut self) {
        let mut open = [true, true];
        if self.begin_due() {
            return;
        }
        while open.contains(&true) {
            let [client, server] =
                open.map(|is| if is { PollFlags::IN } else { PollFlags::empty() });
            let mut fds = [PollFd::new(&self.ends[0], client), PollFd::new(&self.ends[1], server)];
            let limit = Timespec::try_from(LIMIT).unwrap();
            assert!(poll(&mut fds, Some(&limit)).unwrap() > 0, "the relay waits for nothing");
            let ready = [fds[0].revents(), fds[1].revents()].map(|events| !events.is_empty());
            for from in [0, 1] {
                if ready[from] && open[from] {
                    open[from] = self.pass(from);
                    if self.begin_due() {
                        return;
                    }
                }
            }
        }
    }

    /// Passes on some bytes of an end. Returns false if it has ended.
    fn pass(&mut self, from: usize) -> bool {
        // What is passed to the server comes from the client, which is the first.
        let due = self.fault.filter(|fault| usize::from(fault.is_to_client) == from);
        let mut buffer = [0; 4096];
        let room = due.map_or(buffer.len(), |fault| (fault.at - self.passed[from]).min(4096));
        let n = self.ends[from].read(&mut buffer[..room]).unwrap_or(0);
        let to = 1 - from;
        if n == 0 {
            let _ = self.ends[to].shutdown(Shutdown::Write);
            return false;
        }
        let segment = if self.is_split { 1 } else { n };
        for bytes in buffer[..n].chunks(segment) {
            // The other side may have gone.
            let _ = self.ends[to].write_all(bytes);
        }
        self.passed[from] += n;
        true
    }

    /// Begins the fault if it is due. Returns true if nothing is passed on after it.
    fn begin_due(&mut self) -> bool {
        let passed = self.passed;
        let is_due = |fault: &mut Fault| passed[usize::from(fault.is_to_client)] >= fault.at;
        match self.fault.take_if(is_due).map(|fault| fault.kind) {
            None => return false,
            Some(FaultKind::Cut) => {
                for end in &self.ends {
                    let _ = end.shutdown(Shutdown::Both);
                }
            }
            Some(FaultKind::Reset) => {
                // The sockets are reset when the relay drops them.
                for end in &self.ends {
                    set_socket_linger(end, Some(Duration::ZERO)).unwrap();
                }
            }
            Some(FaultKind::Stall) => {}
            Some(FaultKind::Delay) => {
                thread::sleep(Duration::from_millis(30));
                return false;
            }
            Some(FaultKind::Split) => {
                self.is_split = true;
                return false;
            }
        }
        true
    }
}

/// Runs a client through a relay. Returns its output, and the bytes that the relay has passed on.
fn run(
    server: u16,
    args: &[&str],
    scheme: &str,
    fault: Option<Fault>,
) -> (ChildOutput, [usize; 2]) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().unwrap().port();
    let is_stall = fault.is_some_and(|fault| fault.kind == FaultKind::Stall);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(args).args(["--count", "2", "-m", if is_stall { "1" } else { "25" }]);
    command.arg(format!("{scheme}://127.0.0.1:{port}/")).process_group(0).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the binary starts");
    drop(command);
    let child = Child::new(&mut process, false);
    let relay = thread::spawn(move || {
        let mut relay = Relay::accept(&listener, server, fault);
        relay.run();
        let passed = relay.passed;
        // After a stall, the sockets stay open until the client has ended.
        (passed, is_stall.then_some(relay))
    });
    let ended = child::run(process, &child, Some(b"one\ntwo\n".to_vec()), Instant::now() + LIMIT);
    let (passed, relay) = relay.join().expect("the relay works");
    drop(relay);
    (ended, passed)
}

fn judge(case: &str, statuses: &[i32], fault: Option<Fault>, ended: &ChildOutput) {
    let (stdout, stderr) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    let shown = format!("{case}, {fault:?}: {:?}, {stdout:?}, {stderr}", ended.status);
    let status = ended.status.and_then(|status| status.code());
    let status = status.unwrap_or_else(|| panic!("a hang or a signal: {shown}"));
    assert!("one\ntwo\n".starts_with(&*stdout), "{shown}");
    assert!(!stderr.contains("panicked"), "{shown}");
    let is_harmless =
        fault.is_none_or(|fault| matches!(fault.kind, FaultKind::Delay | FaultKind::Split));
    let is_stall = fault.is_some_and(|fault| fault.kind == FaultKind::Stall);
    if is_harmless || status == 0 {
        assert!(status == 0 && stdout == "one\ntwo\n", "{shown}");
    } else {
        // A stall while the client closes looks like a server that does not answer the Close.
        let is_expected = if is_stall { status == 28 } else { statuses.contains(&status) };
        assert!(is_expected && stderr.starts_with("sockeye: "), "{shown}");
    }
}

/// Plays so many faults with a client and a server of these options, spread over the conversation.
fn play(options: &[&str], args: &[&str], statuses: &[i32], faults: usize) {
    let listen = [&["listen", "127.0.0.1:0", "--echo"], options].concat();
    let scheme = if options.is_empty() { "ws" } else { "wss" };
    let (server, url) = Server::setup(listen).start_with_url();
    let port: u16 = url.rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
    let case = format!("{scheme} {args:?}");
    let (ended, passed) = run(port, args, scheme, None);
    judge(&case, statuses, None, &ended);
    let next = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= faults {
                        return;
                    }
                    let is_to_client = number % 2 == 1;
                    let bytes = passed[usize::from(is_to_client)];
                    let kind = FAULTS[number / 2 % FAULTS.len()];
                    let fault = Fault { is_to_client, at: number * bytes / faults, kind };
                    let (ended, _) = run(port, args, scheme, Some(fault));
                    judge(&case, statuses, Some(fault), &ended);
                }
            });
        }
    });
    // The server has noticed that they are all gone, and serves the next one.
    let (ended, _) = run(port, args, scheme, None);
    judge(&case, statuses, None, &ended);
    let output = server.terminate();
    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
}

const TLS: [&str; 1] = ["--tls-self-signed"];

#[test]
fn faults_of_the_network_over_http_1() {
    play(&[], &[], &[52, 55, 56], 60);
}

#[test]
fn faults_of_the_network_over_tls() {
    play(&TLS, &["-k"], &[35, 52, 55, 56], 90);
}

#[test]
fn faults_of_the_network_over_http_2() {
    play(&[], &["--http2"], &[16, 55, 92], 60);
}

#[test]
fn faults_of_the_network_over_http_2_and_tls() {
    play(&TLS, &["-k", "--http2"], &[16, 35, 55, 92], 90);
}

/// Runs at a time in each test.
const WORKERS: usize = 3;
