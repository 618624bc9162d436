//! Steps that end at their time limit.

use super::{
    error::OpenError,
    step::{LimitScope, Step},
};
use crate::target::Target;
use std::time::Duration;
use tokio::time::timeout;

/// Runs a step within its own limit, if it has one.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    step: Step,
    target: &Target,
    doing: impl Future<Output = Result<T, OpenError>>,
) -> Result<T, OpenError> {
    let Some(limit) = limit else { return doing.await };
    match timeout(limit, doing).await {
        Ok(done) => done,
        Err(_) => {
            let (authority, scope) = (target.authority(), LimitScope::Step);
            Err(OpenError::Timeout { authority, step, limit, scope })
        }
    }
}
