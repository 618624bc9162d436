//! TLS in front of a server, with at most one defect.

use crate::support::{Authority, Identity};
use rcgen::{CertificateParams, SanType};
use rustls::{ServerConfig, version::TLS12};
use std::{
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
    task::LocalSet,
};
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsDefect {
    ExpiresSoon,
    HasOtherName,
    IsUnknown,
    SpeaksOnlyTls12,
    SpeaksTls10,
    RefusesHttp1,
}

impl TlsDefect {
    /// Each defect with the checks that find it, and the option that opens a session in spite of it.
    pub const ALL: &[(Self, &[&str], &str)] = &[
        (Self::ExpiresSoon, &["reach-expiry"], "--http1.1"),
        (Self::HasOtherName, &["reach-certified-name"], "--insecure"),
        (Self::IsUnknown, &["reach-chain"], "--insecure"),
        (Self::SpeaksOnlyTls12, &["reach-tls-version"], "--http1.1"),
        (Self::SpeaksTls10, &["reach-tls-old"], "--http1.1"),
        (Self::RefusesHttp1, &["reach-alpn", "version-http1"], "--http2"),
    ];
}

/// Serves TLS on a port of its own, in front of the server at `plain`. Returns the port, and the
/// authority to trust. It serves until the process ends.
pub fn start(defect: Option<TlsDefect>, plain: u16) -> (u16, Authority) {
    let authority = Authority::new();
    let config = config(defect, &authority);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(LocalSet::new().run_until(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = TlsAcceptor::from(config);
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(serve(stream, acceptor.clone(), defect, plain));
            }
        }));
    });
    (port, authority)
}

async fn serve(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    defect: Option<TlsDefect>,
    plain: u16,
) {
    let mut hello = [0; 11];
    while stream.peek(&mut hello).await.is_ok_and(|n| n > 0 && n < hello.len()) {
        tokio::task::yield_now().await;
    }
    // The version that is offered.
    if defect == Some(TlsDefect::SpeaksTls10) && hello[9..] == [3, 1] {
        let _ = stream.write_all(&[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1, 0, 0, 0]).await;
        return;
    }
    let _ = stream.set_nodelay(true);
    // A connection that fails concerns its client only.
    let Ok(mut secured) = acceptor.accept(stream).await else { return };
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", plain)).await else { return };
    let _ = server.set_nodelay(true);
    let _ = copy_bidirectional(&mut secured, &mut server).await;
}

fn config(defect: Option<TlsDefect>, authority: &Authority) -> Arc<ServerConfig> {
    let identity = authority.issue_with(|params: &mut CertificateParams| match defect {
        Some(TlsDefect::ExpiresSoon) => {
            let soon = SystemTime::now() + Duration::from_hours(13 * 24);
            params.not_after = soon.into();
        }
        Some(TlsDefect::HasOtherName) => {
            let name = "other.example".to_owned().try_into().unwrap();
            params.subject_alt_names = vec![SanType::DnsName(name)];
        }
        _ => {}
    });
    match defect {
        Some(TlsDefect::IsUnknown) => Identity::self_signed().server(),
        Some(TlsDefect::SpeaksOnlyTls12) => identity.server_with(&[&TLS12]),
        Some(TlsDefect::RefusesHttp1) => {
            let mut config = ServerConfig::clone(&identity.server());
            config.alpn_protocols = vec![b"h2".to_vec()];
            Arc::new(config)
        }
        None => {
            let mut config = ServerConfig::clone(&identity.server());
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Arc::new(config)
        }
        _ => identity.server(),
    }
}
