//! `sockeye demo`: a client connected to an echo server in the same process.

use super::{client, echo::echo};
use crate::{
    connect::incoming::Incoming,
    error::Error,
    job::{ClientJob, run_outcome::RunOutcome},
    net::listener::ListenFault,
    proto::{extension::Offers, handshake::Choices},
    random::entropy,
    script::action::Action,
    session::Session,
    sys::{
        resources::check_descriptors,
        stdio::{self, StdinKind},
    },
    target::Target,
};
use std::time::Instant;
use tokio::{net::TcpListener, sync::watch};

/// Runs the demonstration. If stdin is [`StdinKind::Nothing`] and there is no script, the client
/// sends [`DEMO_MESSAGES`].
pub(super) async fn run(mut client: ClientJob, started: Instant) -> Result<RunOutcome, Error> {
    // Checked first: a server that cannot accept the client would leave it without an answer.
    check_descriptors(DEMO_DESCRIPTORS)
        .map_err(|cause| Error::Other { operation: "start", cause })?;
    let listen_error = |cause| Error::Listen {
        address: "127.0.0.1".to_owned(),
        fault: ListenFault::System(cause),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(listen_error)?;
    let url = format!("ws://{}/", listener.local_addr().map_err(listen_error)?);
    let settings = client.common.settings;
    let choices = Choices {
        compress: client.offers_compression().then(Offers::default),
        ..Choices::default()
    };
    let (shutdown_sender, shutdown) = watch::channel(());
    tokio::spawn(async move {
        // The only client is the one below.
        if let Ok((stream, peer)) = listener.accept().await
            && let Ok(incoming) = Incoming::over_tcp(stream, peer).await
            && let Ok(established) = incoming.answer(&choices).await
        {
            echo(Session::server(established, settings, entropy()), shutdown).await;
        }
    });
    let target = Target::parse(&url).map_err(|fault| Error::Url { url, fault })?;
    let has_messages = !client.script.is_empty() || !client.ticks.is_empty();
    if stdio::stdin_kind() == StdinKind::Nothing && !has_messages {
        client.script =
            DEMO_MESSAGES.map(|message| Action::message(client.pipe.kind, message)).to_vec();
    }
    let ended = Box::pin(client::run(&client, target, started)).await;
    drop(shutdown_sender);
    ended
}

const DEMO_MESSAGES: [&str; 3] = ["hello", "{\"fish\": \"sockeye\"}", "bye"];
/// The listener and both ends of the connection.
const DEMO_DESCRIPTORS: usize = 3;
