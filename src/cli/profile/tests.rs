//! The file as it is read, without a run.
