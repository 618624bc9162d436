//! The search for the largest size that a server accepts.

/// The bounds of a limit: a size that was accepted, and a larger one that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    accepted: u64,
    refused: Option<u64>,
    /// The largest size to try.
    most: u64,
}

impl Search {
    /// Starts a search after `accepted`, up to `most`.
    pub(crate) fn new(accepted: u64, most: u64) -> Self {
        Self { accepted, refused: None, most }
    }

    /// Returns the next size to try; `None` once the limit is known to the byte, or is lower than
    /// what is worth knowing.
    pub(crate) fn next(&self) -> Option<u64> {
        let Some(refused) = self.refused else {
            return (self.accepted < self.most).then_some(self.most);
        };
        let (least, largest) = (self.accepted + 1, refused - 1);
        if least > largest || refused <= LEAST_BYTES {
            return None;
        }
        if self.accepted < LEAST_BYTES && largest >= LEAST_BYTES {
            let usual = middle(LEAST_BYTES, largest);
            return Some(usual.unwrap_or(LEAST_BYTES));
        }
        Some(middle(least, largest).unwrap_or(least + (largest - least) / 2))
    }

    /// Takes note of a result.
    pub(crate) fn record(&mut self, size: u64, is_accepted: bool) {
        if is_accepted {
            self.accepted = self.accepted.max(size);
        } else {
            self.refused = Some(self.refused.map_or(size, |refused| refused.min(size)));
        }
    }

    /// Returns the largest size that was accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns the smallest size that was refused.
    pub(crate) fn refused(&self) -> Option<u64> {
        self.refused
    }
}

/// Returns the size in the middle of those from `least` to `largest` that a usual limit makes
/// likely: the limit itself, and its neighbours.
fn middle(least: u64, largest: u64) -> Option<u64> {
    let usual = USUAL.iter().flat_map(|limit| [limit - 1, *limit, limit + 1]);
    let inside: Vec<u64> = usual.filter(|size| (least..=largest).contains(size)).collect();
    inside.get(inside.len() / 2).copied()
}

/// Smaller limits are not told apart.
pub(crate) const LEAST_BYTES: u64 = 1 << 10;
/// Limits of servers, gateways and libraries.
const USUAL: [u64; 22] = [
    4 << 10,
    8 << 10,
    16 << 10,
    32 << 10,
    64 << 10,
    100_000,
    128 << 10,
    256 << 10,
    512 << 10,
    1_000_000,
    1 << 20,
    2 << 20,
    4 << 20,
    5 << 20,
    8 << 20,
    10_000_000,
    10 << 20,
    16_000_000,
    16 << 20,
    20 << 20,
    32 << 20,
    64 << 20,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches for a limit. Returns what was found, with the numbers of accepted and refused sizes.
    fn find(limit: u64, most: u64) -> (Search, usize, usize) {
        let mut search = Search::new(0, most);
        let (mut accepted, mut refused) = (0, 0);
        while let Some(size) = search.next() {
            assert!(size <= most);
            search.record(size, size <= limit);
            *(if size <= limit { &mut accepted } else { &mut refused }) += 1;
        }
        (search, accepted, refused)
    }

    #[test]
    fn each_limit_is_found_to_the_byte() {
        let most = 16 << 20;
        for limit in [1024, 1025, 5000, 65_535, 65_536, 65_537, 999_999, 1 << 20, 12_345_678] {
            let (search, accepted, refused) = find(limit, most);
            assert_eq!((search.accepted(), search.refused()), (limit, Some(limit + 1)));
            assert!(accepted + refused <= 32, "{limit}: {accepted} + {refused}");
        }
    }

    #[test]
    fn usual_limits_take_few_connections() {
        for limit in USUAL.into_iter().filter(|limit| *limit < 16 << 20) {
            let (_, accepted, refused) = find(limit, 16 << 20);
            assert!(accepted + refused <= 8, "{limit}: {accepted} + {refused}");
        }
    }

    #[test]
    fn a_server_without_a_limit_is_asked_once_and_one_below_a_kibibyte_twice() {
        let (search, accepted, refused) = find(u64::MAX, 16 << 20);
        assert_eq!((search.accepted(), search.refused()), (16 << 20, None));
        assert_eq!((accepted, refused), (1, 0));
        let (search, _, refused) = find(100, 16 << 20);
        assert_eq!(search.refused(), Some(LEAST_BYTES));
        assert!(refused <= 8);
    }
}
