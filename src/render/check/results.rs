//! The results of a run, which all formats show.

use crate::schema::check::{CheckGrade, CheckResult};

/// The results of a run.
#[derive(Clone, Copy, Debug)]
pub struct CheckPage<'a> {
    /// The result of each check, in the order of the table.
    pub results: &'a [CheckResult<'a>],
    /// The grade.
    pub grade: &'a CheckGrade<'a>,
}
