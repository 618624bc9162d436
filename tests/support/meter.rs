//! The memory and processor time of a process under load.

use super::child::{cpu_time, peak_memory};
use std::{fmt::Display, io::Write, time::Duration};

/// Measures a process from now on.
pub struct Meter {
    pid: u32,
    cpu: Duration,
    peak: usize,
}

impl Meter {
    pub fn start(pid: u32) -> Self {
        Self { pid, cpu: cpu_time(pid), peak: peak_memory(pid) }
    }

    /// Checks that `bytes` of a flood cost at most [`CPU_LIMIT`] each, and that the peak memory grew by
    /// at most [`GROWTH_LIMIT_BYTES`].
    #[track_caller]
    pub fn check(&self, flood: impl Display, bytes: usize) {
        self.check_within(flood, bytes, CPU_LIMIT);
    }

    /// [`Self::check`] with another limit of the processor time for each byte.
    #[track_caller]
    pub fn check_within(&self, flood: impl Display, bytes: usize, limit: Duration) {
        self.check_cpu(&flood, bytes, limit);
        let grown = peak_memory(self.pid).saturating_sub(self.peak);
        assert!(grown < GROWTH_LIMIT_BYTES, "{flood}: {grown} bytes of memory");
    }

    /// Checks that `bytes` of a flood cost at most `limit` each.
    #[track_caller]
    pub fn check_cpu(&self, flood: impl Display, bytes: usize, limit: Duration) {
        let used = cpu_time(self.pid).saturating_sub(self.cpu);
        let bytes = u32::try_from(bytes).expect("less than 4 GiB");
        if std::env::var_os("SOCKEYE_TEST_PRINT").is_some() {
            let grown = peak_memory(self.pid).saturating_sub(self.peak);
            println!(
                "{flood}: {bytes} bytes, {:?} each, {} KiB more",
                used / bytes.max(1),
                grown >> 10
            );
        }
        assert!(used < CPU_MARGIN + limit * bytes, "{flood}: {used:?} for {bytes} bytes");
    }
}

/// Writes until all bytes are taken, the reader has left, or it takes nothing within the write timeout
/// of the stream. Returns how many bytes were taken.
pub fn flood(mut to: impl Write, bytes: &[u8]) -> usize {
    let mut taken = 0;
    while let Some(rest @ [_, ..]) = bytes.get(taken..) {
        match to.write(rest) {
            Ok(n) => taken += n,
            Err(_) => break,
        }
    }
    taken
}

/// About ten times what the most expensive byte of a flood costs a debug build.
const CPU_LIMIT: Duration = Duration::from_micros(10);
/// Work that does not depend on the flood, and the resolution of the system's clock.
const CPU_MARGIN: Duration = Duration::from_millis(500);
/// More than all buffers of a session hold.
const GROWTH_LIMIT_BYTES: usize = 24 << 20;
