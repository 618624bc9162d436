//! Makes checks side by side, and those that fail a second time.

use super::{
    answer::{Answer, opens_session},
    case::{Case, ExpectedAnswer, Probe, RequestProbe},
    deflated,
    frames::{BINARY, CLOSE, TEXT, close_body, frame},
    haste::Haste,
    judgement::Judgement,
    reaction,
    server::Server,
    wire::Wire,
};
use std::{rc::Rc, sync::PoisonError, time::Duration};
use tokio::time::Instant;

/// A judged check: its number in the table.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) number: usize,
    pub(crate) judgement: Judgement,
    /// The time that it took.
    pub(crate) took: Duration,
}

/// Makes one check when it is its turn. A failure counts if it occurs twice.
pub(crate) async fn make(server: Rc<Server>, cases: Rc<Vec<Case>>, number: usize) -> Outcome {
    let Some(case) = cases.get(number) else {
        let judgement = Judgement::Unknown("no such check".to_owned());
        return Outcome { number, judgement, took: Duration::ZERO };
    };
    let missing = missing(&server, case);
    if let Some(reason) = missing {
        return Outcome { number, judgement: Judgement::Unknown(reason), took: Duration::ZERO };
    }
    // Idle sessions would keep others waiting.
    let turn = match case.probe {
        Probe::Idle(_) => None,
        _ => server.pace.turn().await,
    };
    let started = Instant::now();
    let mut judgement = judge(&server, case, Haste::Quick).await;
    if let Judgement::Broken(_) | Judgement::Proven(_) = judgement {
        judgement = confirm(&server, case, judgement).await;
    }
    server.pace.end_turn(turn);
    Outcome { number, judgement, took: started.elapsed() }
}

/// Makes a check again that failed. Bytes that broke the rule once count as a warning if the rule
/// holds at other times; anything else that happened once does not count.
async fn confirm(server: &Server, case: &Case, first: Judgement) -> Judgement {
    let second = judge_again(server, case, Haste::Careful).await;
    let (is_proven, Judgement::Holds(other) | Judgement::Weak(other)) =
        (matches!(first, Judgement::Proven(_)), &second)
    else {
        return second;
    };
    let first = first.evidence();
    if !is_proven {
        return Judgement::Unknown(format!(
            "the server did one thing and then another: {first}; and then: {other}"
        ));
    }
    let words = format!("not each time: {first}; at another time: {other}");
    match judge_again(server, case, Haste::Patient).await {
        Judgement::Broken(_) | Judgement::Proven(_) => Judgement::Proven(words),
        _ => Judgement::Weak(words),
    }
}

/// Returns why a check cannot be made, if it cannot.
fn missing(server: &Server, case: &Case) -> Option<String> {
    let facts = &server.facts;
    match &case.probe {
        Probe::Request(_) => server.no_upgrade(),
        Probe::Frames(_) | Probe::Deflate(_) => {
            let text = facts.no_text.clone().filter(|_| case.sends(TEXT));
            let binary = facts.no_binary.clone().filter(|_| case.sends(BINARY));
            let mut echoed = case.echoed().iter();
            let echo = echoed.find_map(|message| facts.echo.missing(message.opcode));
            let pong = facts.no_pong.clone().filter(|_| case.needs_pong());
            let request = facts.no_request.clone().filter(|_| case.is_compressed());
            echo.map(ToOwned::to_owned).or(text).or(binary).or(pong).or(request)
        }
        _ => None,
    }
}

async fn judge(server: &Server, case: &Case, haste: Haste) -> Judgement {
    match &case.probe {
        Probe::Frames(probe) => {
            reaction::judge(server, probe, !case.echoed().is_empty(), haste).await
        }
        Probe::Deflate(probe) => deflated::judge(server, probe, haste).await,
        Probe::Request(probe) => answered(server, probe, haste).await,
        Probe::Examined(examine) | Probe::Alone(examine) | Probe::Idle(examine) => {
            examine(server).await
        }
        Probe::Observed(rule) => {
            let observed = server.observed.lock().unwrap_or_else(PoisonError::into_inner);
            match observed.judge(*rule) {
                (_, Some(evidence)) => Judgement::Proven(format!("the server sent {evidence}")),
                (0, None) => {
                    Judgement::Unknown("the server sent nothing that it applies to".to_owned())
                }
                (1, None) => Judgement::Holds("so it was once".to_owned()),
                (times, None) => Judgement::Holds(format!("so it was {times} times")),
            }
        }
        Probe::Survival => {
            server.pace.resume();
            match server.open_admitted(false).await {
                Ok(_) => Judgement::Holds("a session was opened after all checks".to_owned()),
                Err(missing) if missing.is_dead && !server.pace.is_limited() => {
                    Judgement::Broken(missing.reason)
                }
                Err(missing) => Judgement::Unknown(missing.reason),
            }
        }
    }
}

/// Makes a check again. A changed request is only judged while the server accepts the original one.
async fn judge_again(server: &Server, case: &Case, haste: Haste) -> Judgement {
    if let Probe::Request(_) = &case.probe
        && let Err(missing) = server.accepts_original().await
    {
        return Judgement::Unknown(missing.reason);
    }
    judge(server, case, haste).await
}

/// Sends a changed request and judges the answer.
async fn answered(server: &Server, probe: &RequestProbe, haste: Haste) -> Judgement {
    let mut draft = server.draft();
    (probe.edit)(&mut draft);
    draft.pause = haste.stretch(draft.pause);
    let answer = match server.request_within(&draft, server.limit(haste)).await {
        Ok(answer) => answer,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    if answer.response().is_none()
        && matches!(probe.expects, ExpectedAnswer::Refused)
        && let Err(missing) = server.accepts_original().await
    {
        // The connection may have been ended for another reason than the request.
        return Judgement::Unknown(missing.reason);
    }
    let words = answer.to_string();
    let judgement = match &probe.expects {
        ExpectedAnswer::Accepted => match answer.response() {
            Some(response) if draft.is_accepted_by(response) => Judgement::Holds(words),
            _ => Judgement::Broken(words),
        },
        ExpectedAnswer::Refused if answer.response().is_some_and(opens_session) => {
            Judgement::Proven(words)
        }
        ExpectedAnswer::Refused => Judgement::Holds(words),
        ExpectedAnswer::Judged(judged) => judged(&draft, &answer),
    };
    if let Answer::Response(response, rest, transport) = answer
        && response.status == 101
    {
        let mut wire = Wire::new(transport, rest);
        let deadline = Instant::now() + server.grace();
        wire.send(&frame(CLOSE, close_body(1000, b"")), deadline).await;
    }
    judgement
}
