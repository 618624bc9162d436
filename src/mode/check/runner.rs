//! Makes checks side by side, and those that fail a second time.

use super::{
    answer::Answer,
    case::{Case, ExpectedAnswer, Probe, RequestProbe},
    deflated,
    frames::{CLOSE, close_body, frame},
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
    let mut judgement = judge(&server, case).await;
    if let Judgement::Broken(first) = &judgement {
        judgement = match judge_again(&server, case).await {
            Judgement::Holds(second) | Judgement::Weak(second) => Judgement::Unknown(format!(
                "the server did one thing and then another: {first}; and then: {second}"
            )),
            judgement => judgement,
        };
    }
    server.pace.end_turn(turn);
    Outcome { number, judgement, took: started.elapsed() }
}

/// Returns why a check cannot be made, if it cannot.
fn missing(server: &Server, case: &Case) -> Option<String> {
    let facts = &server.facts;
    match &case.probe {
        Probe::Request(_) => facts.no_request.clone(),
        Probe::Frames(_) | Probe::Deflate(_) => {
            let data = facts.no_data.clone().filter(|_| case.sends_data());
            let echo = facts.no_echo.clone().filter(|_| case.needs_echo());
            let pong = facts.no_pong.clone().filter(|_| case.needs_pong());
            let request = facts.no_request.clone().filter(|_| case.is_compressed());
            echo.or(data).or(pong).or(request)
        }
        _ => None,
    }
}

async fn judge(server: &Server, case: &Case) -> Judgement {
    match &case.probe {
        Probe::Frames(probe) => reaction::judge(server, probe, case.needs_echo()).await,
        Probe::Deflate(probe) => deflated::judge(server, probe).await,
        Probe::Request(probe) => answered(server, probe).await,
        Probe::Examined(examine) | Probe::Alone(examine) | Probe::Idle(examine) => {
            examine(server).await
        }
        Probe::Observed(rule) => {
            let observed = server.observed.lock().unwrap_or_else(PoisonError::into_inner);
            match observed.judge(*rule) {
                (_, Some(evidence)) => Judgement::Broken(format!("the server sent {evidence}")),
                (0, None) => {
                    Judgement::Unknown("the server sent nothing that it applies to".to_owned())
                }
                (1, None) => Judgement::Holds("so it was once".to_owned()),
                (times, None) => Judgement::Holds(format!("so it was {times} times")),
            }
        }
        Probe::Survival => {
            server.pace.hit();
            match server.open(false).await {
                Ok(_) => Judgement::Holds("a session was opened after all checks".to_owned()),
                Err(missing) if missing.is_dead => Judgement::Broken(missing.reason),
                Err(missing) => Judgement::Unknown(missing.reason),
            }
        }
    }
}

/// Makes a check again that failed. A changed request is only judged while the server accepts the
/// original one.
async fn judge_again(server: &Server, case: &Case) -> Judgement {
    if let Probe::Request(_) = &case.probe {
        let draft = server.draft();
        let is_accepted = match server.request(&draft).await {
            Err(missing) => Err(missing.reason),
            Ok(answer) => match answer.response() {
                Some(response) if draft.is_accepted_by(response) => Ok(()),
                _ => Err(format!("the server refuses a valid request, too: {answer}")),
            },
        };
        if let Err(reason) = is_accepted {
            return Judgement::Unknown(reason);
        }
    }
    judge(server, case).await
}

/// Sends a changed request and judges the answer.
async fn answered(server: &Server, probe: &RequestProbe) -> Judgement {
    let mut draft = server.draft();
    (probe.edit)(&mut draft);
    let answer = match server.request(&draft).await {
        Ok(answer) => answer,
        Err(missing) => return Judgement::Unknown(missing.reason),
    };
    let words = answer.to_string();
    let judgement = match &probe.expects {
        ExpectedAnswer::Accepted => match answer.response() {
            Some(response) if draft.is_accepted_by(response) => Judgement::Holds(words),
            _ => Judgement::Broken(words),
        },
        ExpectedAnswer::Refused if answer.status() == Some(101) => Judgement::Broken(words),
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
