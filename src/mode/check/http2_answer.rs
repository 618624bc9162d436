//! Answers to requests of an opening handshake over HTTP/2.

use super::{
    answer::Answer,
    draft::{KEY, RequestDraft},
};
use crate::{
    net::{
        Transport,
        http2::{Http2Client, Http2Fault},
    },
    proto::extended,
};
use tokio::time::{Duration, timeout};

/// Sends the fields of a request with an extended CONNECT, and returns the answer.
pub(crate) async fn answer_to(
    draft: &RequestDraft,
    is_secure: bool,
    transport: Box<dyn Transport>,
    patience: Duration,
) -> Answer {
    let mut fields = draft.headers();
    fields.retain(|name, _| !name.eq_ignore_ascii_case(KEY));
    let authority = fields.get("Host").unwrap_or_default().to_owned();
    let request = extended::request(is_secure, &authority, &draft.target, &fields);
    let exchange = async {
        let mut client = Http2Client::start(transport).await?;
        if !client.supports_extended_connect().await? {
            return Err(Http2Fault::NoExtendedConnect);
        }
        let sent = client.request(&request).await?;
        client.response(sent).await
    };
    match timeout(patience, exchange).await {
        Err(_) => Answer::Silence(patience),
        Ok(Ok((response, mut stream))) => {
            let rest = stream.take_received();
            Answer::Response(Box::new(response), rest, Box::new(stream))
        }
        Ok(Err(fault)) => Answer::Http2(fault.to_string()),
    }
}
