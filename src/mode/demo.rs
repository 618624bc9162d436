//! `sockeye demo`: an echo server inside the process, and a client connected to it.

use super::{client, echo::echo};
use crate::{
    connect::incoming::Incoming,
    error::Error,
    job::{ClientJob, ended::Ended},
    proto::{extension::Offers, handshake::Choices},
    random::entropy,
    script::action::Action,
    session::Session,
    sys::stdio::{self, StdinKind},
    target::Target,
};
use std::time::Instant;
use tokio::{net::TcpListener, sync::watch};

/// Runs the demonstration. Without a terminal and without input it says something of its own.
pub(super) async fn run(mut client: ClientJob, started: Instant) -> Result<Ended, Error> {
    let listening = |cause| Error::Listen { address: "127.0.0.1".to_owned(), cause };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(listening)?;
    let url = format!("ws://{}/", listener.local_addr().map_err(listening)?);
    let settings = client.common.settings;
    let choices = Choices {
        compress: client.offers_compression().then(Offers::default),
        ..Choices::default()
    };
    let (stays, leaving) = watch::channel(());
    tokio::spawn(async move {
        // One client is enough, and it is our own.
        if let Ok((stream, peer)) = listener.accept().await
            && let Ok(incoming) = Incoming::over_tcp(stream, peer).await
            && let Ok(established) = incoming.answer(&choices).await
        {
            echo(Session::server(established, settings, entropy()), leaving).await;
        }
    });
    let target = Target::parse(&url).map_err(|fault| Error::Url { url, fault })?;
    if stdio::stdin_kind() == StdinKind::Nothing && client.script.is_empty() {
        client.script = OWN.map(|message| Action::message(client.pipe.kind, message)).to_vec();
    }
    let ended = Box::pin(client::run(&client, target, started)).await;
    drop(stays);
    ended
}

const OWN: [&str; 3] = ["hello", "{\"fish\": \"sockeye\"}", "bye"];
