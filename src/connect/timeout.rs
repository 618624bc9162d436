//! Time limits of single steps.

use super::{
    error::OpenError,
    step::{LimitScope, Step},
};
use crate::target::Target;
use std::time::Duration;
use tokio::time::timeout;

/// Runs a step within `limit`, if there is one.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    step: Step,
    target: &Target,
    operation: impl Future<Output = Result<T, OpenError>>,
) -> Result<T, OpenError> {
    let Some(limit) = limit else { return operation.await };
    match timeout(limit, operation).await {
        Ok(done) => done,
        Err(_) => {
            let (authority, scope) = (target.authority(), LimitScope::Step);
            Err(OpenError::Timeout { authority, step, limit, scope, request: None, received: 0 })
        }
    }
}
