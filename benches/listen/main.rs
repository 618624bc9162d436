//! The numbers of `sockeye listen` beside those of other servers in the same run: memory of idle
//! clients, the time to accept many at once, CPU time of echo and fan-out, and the delay of a client
//! whose neighbour floods the server.
//!
//! `cargo bench --bench listen -- [--clients N] [--bin PATH] [--peers DIR] [--server NAME]`

#![allow(unreachable_pub, reason = "all of it is private to this binary")]
#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a fault of the benchmark may end it"
)]

mod clients;
mod servers;

use clients::{Clients, compressed, frames};
use servers::{Mode, Program, Server, programs};
use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// The figures of one server, by row. Each is told on stderr as it is measured.
#[derive(Default)]
struct Figures(BTreeMap<&'static str, f64>);

impl Figures {
    fn insert(&mut self, row: &'static str, figure: f64) {
        eprintln!("  {row}: {figure:.3}");
        self.0.insert(row, figure);
    }
}

/// The rows of the table: the name, and how many digits follow the point.
const ROWS: [(&str, usize); 14] = [
    (OPENED, 0),
    (OPENING, 2),
    (OPENING_CPU, 1),
    (IDLE, 1),
    (AFTER_MEGABYTE, 2),
    (IDLE_DEFLATE, 1),
    (USED_DEFLATE, 1),
    (ECHO, 2),
    (ECHO_PIPELINED, 3),
    (FAN_OUT, 2),
    (FAN_OUT_KIB, 2),
    (FAN_OUT_DEFLATE, 2),
    (QUIET, 2),
    (FLOODED, 2),
];
const OPENED: &str = "clients accepted at once";
const OPENING: &str = "time until all are accepted, s";
const OPENING_CPU: &str = "CPU to accept one, µs";
const IDLE: &str = "memory of an idle client, KiB";
const AFTER_MEGABYTE: &str = "memory after 1 MB to each ÷ before";
const IDLE_DEFLATE: &str = "the same with compression agreed, KiB";
const USED_DEFLATE: &str = "the same after a compressed message, KiB";
const ECHO: &str = "echo 64 B, one of each client: CPU, µs";
const ECHO_PIPELINED: &str = "echo 64 B, 100 at a time of 100 clients: CPU, µs";
const FAN_OUT: &str = "deliver 64 B: CPU, µs";
const FAN_OUT_KIB: &str = "deliver 1 KiB: CPU, µs";
const FAN_OUT_DEFLATE: &str = "deliver 1 KiB compressed: CPU, µs";
const QUIET: &str = "p99 of a round trip without a neighbour, ms";
const FLOODED: &str = "p99 beside a flooding neighbour, ms";

fn main() -> io::Result<()> {
    let options = Options::parse();
    raise_descriptor_limit();
    let mut columns = Vec::new();
    for program in programs(&options.sockeye, &options.peers) {
        if options.server.as_ref().is_none_or(|it| it == program.name) {
            let mut figures = Figures::default();
            eprintln!("{}", program.name);
            measure(&program, options.clients, &mut figures)?;
            columns.push((program.name, figures));
        }
    }
    print_table(options.clients, &columns);
    Ok(())
}

struct Options {
    clients: usize,
    sockeye: PathBuf,
    peers: PathBuf,
    server: Option<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self {
            clients: 10_000,
            sockeye: env!("CARGO_BIN_EXE_sockeye").into(),
            peers: "target/bench".into(),
            server: None,
        };
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_default();
            match &*arg {
                "--clients" => options.clients = value().parse().expect("a number of clients"),
                "--bin" => options.sockeye = value().into(),
                "--peers" => options.peers = value().into(),
                "--server" => options.server = Some(value()),
                // Cargo passes arguments of its own.
                _ => {}
            }
        }
        options
    }
}

fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // A lower limit shows as connections that fail.
    let _ = setrlimit(Resource::Nofile, raised);
}

fn measure(program: &Program, count: usize, figures: &mut Figures) -> io::Result<()> {
    echo(&program.start(Mode::Echo, false)?, count, figures)?;
    compressed_sessions(&program.start(Mode::Echo, true)?, count, figures)?;
    fan_out(&program.start(Mode::Broadcast, false)?, count, false, figures)?;
    fan_out(&program.start(Mode::Broadcast, true)?, count, true, figures)?;
    let server = program.start(Mode::Echo, false)?;
    figures.insert(QUIET, delay(&server, false)?);
    figures.insert(FLOODED, delay(&server, true)?);
    Ok(())
}

/// Connects clients and lets each send and receive.
fn echo(server: &Server, count: usize, figures: &mut Figures) -> io::Result<()> {
    let (empty, idle) = (server.memory()?, server.cpu()?);
    let (mut clients, opened) = Clients::connect(server.port, count, false)?;
    figures.insert(OPENED, opened.open as f64);
    figures.insert(OPENING, opened.time.as_secs_f64());
    figures.insert(OPENING_CPU, micros(server.cpu()?.saturating_sub(idle), count));
    if opened.open < count {
        return Ok(());
    }
    let before = server.memory()?;
    figures.insert(IDLE, kib_each(before, empty, count));

    let one = frames(&[b'x'; 64], 1);
    let send = |clients: &mut Clients| clients.send(0..count, &one);
    let cpu = cpu_of_rounds(server, ROUNDS, &mut clients, send, |it| it.receive(0..count, 1))?;
    figures.insert(ECHO, micros(cpu, ROUNDS * count));

    let (some, hundred) = (count.min(100), frames(&[b'x'; 64], 100));
    let send = |clients: &mut Clients| clients.send(0..some, &hundred);
    let receive = |clients: &mut Clients| clients.receive(0..some, 100);
    let cpu = cpu_of_rounds(server, PIPELINED_ROUNDS, &mut clients, send, receive)?;
    figures.insert(ECHO_PIPELINED, micros(cpu, PIPELINED_ROUNDS * some * 100));

    let large = frames(&vec![b'x'; 1_000_000], 1);
    for first in (0..count).step_by(LARGE_AT_ONCE) {
        let group = first..count.min(first + LARGE_AT_ONCE);
        clients.send(group.clone(), &large);
        clients.receive(group, 1)?;
    }
    figures.insert(AFTER_MEGABYTE, server.memory()? as f64 / before as f64);
    Ok(())
}

/// Connects clients that agree on compression, each of which sends a compressed message then.
fn compressed_sessions(server: &Server, count: usize, figures: &mut Figures) -> io::Result<()> {
    let empty = server.memory()?;
    let (mut clients, opened) = Clients::connect(server.port, count, true)?;
    if opened.open < count {
        return Ok(());
    }
    figures.insert(IDLE_DEFLATE, kib_each(server.memory()?, empty, count));
    // "Hello" (RFC 7692, 7.2.3.1).
    let hello = compressed(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    clients.send(0..count, &hello);
    clients.receive(0..count, 1)?;
    figures.insert(USED_DEFLATE, kib_each(server.memory()?, empty, count));
    Ok(())
}

/// Has one client send to all others.
fn fan_out(server: &Server, count: usize, deflate: bool, figures: &mut Figures) -> io::Result<()> {
    let (mut clients, opened) = Clients::connect(server.port, count, deflate)?;
    if opened.open < count {
        return Ok(());
    }
    let others = clients.len() - 1;
    let mut run = |row, payload: &[u8]| {
        let message = frames(payload, 1);
        let send = |clients: &mut Clients| clients.send(0..1, &message);
        let receive = |clients: &mut Clients| clients.receive(1..count, 1);
        let cpu = cpu_of_rounds(server, ROUNDS, &mut clients, send, receive)?;
        figures.insert(row, micros(cpu, ROUNDS * others));
        io::Result::Ok(())
    };
    let mut text = String::new();
    for n in 0..1024 / 16 {
        // Writing to a string does not fail.
        let _ = write!(text, "{{\"n\":{n:04},\"x\":0}}");
    }
    if deflate {
        return run(FAN_OUT_DEFLATE, text.as_bytes());
    }
    run(FAN_OUT, &[b'x'; 64])?;
    run(FAN_OUT_KIB, text.as_bytes())
}

/// Measures the round trips of one client, with or without another that sends as much as the server
/// takes.
fn delay(server: &Server, floods: bool) -> io::Result<f64> {
    let open = || -> io::Result<TcpStream> {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port))?;
        socket.set_nodelay(true)?;
        socket.write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        Ok(socket)
    };
    let (mut client, flooding) = (open()?, open()?);
    let over = AtomicBool::new(false);
    let mut times = Vec::new();
    thread::scope(|scope| -> io::Result<()> {
        if floods {
            let (mut writer, mut reader) = (flooding.try_clone()?, &flooding);
            let block = frames(&[b'x'; 64], 1000).to_vec();
            let over = &over;
            scope.spawn(
                move || {
                    while !over.load(Ordering::Relaxed) && writer.write_all(&block).is_ok() {}
                },
            );
            scope.spawn(move || {
                let mut buffer = vec![0; 256 << 10];
                while reader.read(&mut buffer).is_ok_and(|n| n > 0) {}
            });
        }
        let (message, mut answer) = (frames(b"round trip", 1), [0; 12]);
        client.set_read_timeout(Some(ROUND_TRIP_LIMIT))?;
        let began = Instant::now();
        while times.len() < ROUND_TRIPS && began.elapsed() < ROUND_TRIP_LIMIT {
            let started = Instant::now();
            client.write_all(&message)?;
            // An answer that does not come in time counts with that time.
            let _ = client.read_exact(&mut answer);
            times.push(started.elapsed());
            thread::sleep(Duration::from_millis(1));
        }
        over.store(true, Ordering::Relaxed);
        flooding.shutdown(std::net::Shutdown::Both)
    })?;
    times.sort();
    Ok(times[times.len() * 99 / 100].as_secs_f64() * 1e3)
}

/// Returns the CPU time that the server uses for what its clients send in so many rounds.
///
/// It is stopped while they send, and they receive once it has done its work. Otherwise the figure
/// would contain the change between processes, which depends on which of them is faster.
fn cpu_of_rounds(
    server: &Server,
    rounds: usize,
    clients: &mut Clients,
    mut send: impl FnMut(&mut Clients),
    mut receive: impl FnMut(&mut Clients) -> io::Result<()>,
) -> io::Result<Duration> {
    let mut all = Duration::ZERO;
    for _ in 0..rounds {
        server.stop()?;
        send(clients);
        let before = server.cpu()?;
        server.proceed()?;
        all += server.cpu_when_idle()?.saturating_sub(before);
        receive(clients)?;
    }
    Ok(all)
}

fn micros(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

fn kib_each(now: u64, before: u64, count: usize) -> f64 {
    now.saturating_sub(before) as f64 / 1024.0 / count as f64
}

fn print_table(clients: usize, columns: &[(&str, Figures)]) {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    println!("{clients} clients\n\n| | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(names.len()));
    for (row, digits) in ROWS {
        let cells = columns.iter().map(|(_, figures)| match figures.0.get(row) {
            Some(figure) => format!("{figure:.digits$}"),
            None => "failed".to_owned(),
        });
        println!("| {row} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// The messages that each client sends, or receives from one that sends to all.
const ROUNDS: usize = 20;
/// The times that a hundred messages are sent at once.
const PIPELINED_ROUNDS: usize = 40;
/// The clients that have a message of 1 MB in progress at the same time.
const LARGE_AT_ONCE: usize = 50;
const ROUND_TRIPS: usize = 2000;
/// The time for one round trip, and for all.
const ROUND_TRIP_LIMIT: Duration = Duration::from_secs(10);
