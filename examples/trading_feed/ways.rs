//! The ways that are compared. Each has a server in a thread of its own, whose CPU time is measured,
//! and its clients in another. The ways of the feed run at the same time.

use super::{
    Plan,
    polling::{self, Heads, connect},
    prices::{Feed, Price},
    push,
    traffic::{Counted, Traffic, thread_cpu},
};
use std::{
    io,
    net::TcpListener,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
    task::JoinSet,
};

/// The way in which clients learn of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Polling(Heads),
    Push,
}

/// The updates that one client, or all of them, received.
#[derive(Debug, Default)]
pub struct Seen {
    /// HTTP requests, including those that open a session.
    pub requests: u64,
    /// Requests that found nothing new.
    pub empty: u64,
    /// For each price, how old it was when it arrived.
    pub delays: Vec<Duration>,
}

/// The result of a way of the feed: its updates, the bytes of both directions, and the CPU time of
/// the server.
#[derive(Debug)]
pub struct Measured {
    pub seen: Seen,
    pub bytes: u64,
    pub cpu: Duration,
}

/// The round trips of orders.
#[derive(Debug)]
pub struct Ordered {
    pub times: Vec<Duration>,
    pub bytes: u64,
}

/// Runs the feed: polling like a browser, polling with the shortest heads, and push.
pub fn feed(plan: Plan) -> io::Result<[Measured; 3]> {
    let feed = Feed { start: Instant::now() + Duration::from_millis(300), plan };
    let ways = [Way::Polling(Heads::Browser), Way::Polling(Heads::Shortest), Way::Push];
    let [browser, shortest, push] = ways.map(|way| thread::spawn(move || measure(way, feed)));
    Ok([joined(browser)?, joined(shortest)?, joined(push)?])
}

/// Runs the orders, one way after the other: POST on a new connection each, POST on one connection,
/// messages of one session.
pub fn orders(plan: Plan) -> io::Result<[Ordered; 3]> {
    let post = Way::Polling(Heads::Browser);
    Ok([order(post, false, plan)?, order(post, true, plan)?, order(Way::Push, true, plan)?])
}

fn measure(way: Way, feed: Feed) -> io::Result<Measured> {
    let server = Server::start(way, Some(feed))?;
    let traffic = Arc::new(Traffic::default());
    let seen = runtime()?.block_on(async {
        let mut clients = JoinSet::new();
        for number in 0..feed.plan.clients {
            let place = number as f64 / feed.plan.clients as f64;
            let (host, traffic) = (server.address.clone(), Arc::clone(&traffic));
            clients.spawn(async move {
                let stream = connect(&host, &traffic).await?;
                match way {
                    Way::Polling(heads) => polling::follow(stream, feed, heads, host, place).await,
                    Way::Push => push::follow(stream, feed, host).await,
                }
            });
        }
        let mut all = Seen::default();
        while let Some(seen) = clients.join_next().await {
            let seen: Seen = seen.map_err(io::Error::other)??;
            all.requests += seen.requests;
            all.empty += seen.empty;
            all.delays.extend(seen.delays);
        }
        io::Result::Ok(all)
    })?;
    let (bytes, cpu) = server.stop(&traffic)?;
    Ok(Measured { seen, bytes, cpu })
}

fn order(way: Way, is_kept: bool, plan: Plan) -> io::Result<Ordered> {
    let server = Server::start(way, None)?;
    let (host, traffic) = (server.address.as_str(), Arc::new(Traffic::default()));
    let times = runtime()?.block_on(async {
        match way {
            Way::Polling(_) => {
                let connect = async || connect(host, &traffic).await;
                polling::order(connect, plan.orders, host, is_kept).await
            }
            Way::Push => push::order(connect(host, &traffic).await?, plan.orders, host).await,
        }
    })?;
    let (bytes, _) = server.stop(&traffic)?;
    Ok(Ordered { times, bytes })
}

/// A server in a thread of its own.
struct Server {
    address: String,
    traffic: Arc<Traffic>,
    stop: oneshot::Sender<()>,
    /// Returns its CPU time.
    thread: JoinHandle<io::Result<Duration>>,
}

impl Server {
    /// Starts a server, with the prices of a feed or without any.
    fn start(way: Way, feed: Option<Feed>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.to_string();
        let traffic = Arc::new(Traffic::default());
        let (stop, stopped) = oneshot::channel();
        let counted = Arc::clone(&traffic);
        let thread = thread::spawn(move || {
            runtime()?.block_on(serve(listener, way, feed, counted, stopped))?;
            thread_cpu()
        });
        Ok(Self { address, traffic, stop, thread })
    }

    /// Stops the server, whose clients have left. Returns the bytes in both directions, which both
    /// sides counted, and the CPU time.
    fn stop(self, clients: &Traffic) -> io::Result<(u64, Duration)> {
        // The server is not listening any more if it failed, which `joined` reports.
        let _ = self.stop.send(());
        let cpu = joined(self.thread)?;
        let (received, sent) = self.traffic.totals();
        if clients.totals() != (sent, received) {
            return Err(failed("the two sides have counted different bytes"));
        }
        Ok((received + sent, cpu))
    }
}

async fn serve(
    listener: TcpListener,
    way: Way,
    feed: Option<Feed>,
    traffic: Arc<Traffic>,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (sender, prices) = watch::channel(Price::default());
    if let Some(feed) = feed {
        tokio::spawn(feed.publish(sender));
    }
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, prices) = (Counted::new(accepted?.0, &traffic)?, prices.clone());
                match way {
                    Way::Polling(_) => sessions.spawn(polling::serve(stream, prices)),
                    Way::Push => sessions.spawn(push::serve(stream, prices)),
                };
            }
            Some(ended) = sessions.join_next() => ended.map_err(io::Error::other)??,
            _ = &mut stopped => break,
        }
    }
    while let Some(ended) = sessions.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    Ok(())
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn joined<T>(thread: JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(failed("a thread panicked")))
}

pub fn failed(reason: &str) -> io::Error {
    io::Error::other(reason)
}
