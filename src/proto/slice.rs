//! Slicing whose range is in bounds by construction.

use std::slice::SliceIndex;

/// Slicing that never panics in a release build.
///
/// For ranges that the code computed itself, never for those taken from input: an out-of-bounds range
/// is a bug. A debug build asserts; a release build returns an empty slice, at the cost of the
/// comparison that indexing makes too.
pub(crate) trait Within {
    /// Returns the part of `self` in `range`.
    fn within<I>(&self, range: I) -> &I::Output
    where
        I: SliceIndex<Self>,
        for<'a> &'a I::Output: Default;

    /// Returns the part of `self` in `range`, mutably.
    fn within_mut<I>(&mut self, range: I) -> &mut I::Output
    where
        I: SliceIndex<Self>,
        for<'a> &'a mut I::Output: Default;
}

macro_rules! within {
    ($slice:ty $(, $item:ident)?) => {
        impl$(<$item>)? Within for $slice {
            #[inline]
            #[cfg_attr(debug_assertions, track_caller)]
            fn within<I>(&self, range: I) -> &I::Output
            where
                I: SliceIndex<Self>,
                for<'a> &'a I::Output: Default,
            {
                let part = self.get(range);
                debug_assert!(part.is_some(), "a range out of bounds");
                part.unwrap_or_default()
            }

            #[inline]
            #[cfg_attr(debug_assertions, track_caller)]
            fn within_mut<I>(&mut self, range: I) -> &mut I::Output
            where
                I: SliceIndex<Self>,
                for<'a> &'a mut I::Output: Default,
            {
                let part = self.get_mut(range);
                debug_assert!(part.is_some(), "a range out of bounds");
                part.unwrap_or_default()
            }
        }
    };
}

within!([T], T);
within!(str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_in_bounds_are_sliced() {
        let mut bytes = [1, 2, 3];
        assert_eq!((bytes.within(1..), bytes.within(3..)), (&[2, 3][..], &[][..]));
        bytes.within_mut(..2).fill(0);
        assert_eq!((bytes, "abc".within(..2)), ([0, 0, 3], "ab"));
    }

    #[test]
    #[cfg_attr(debug_assertions, should_panic(expected = "out of bounds"))]
    fn a_debug_build_panics_on_a_range_out_of_bounds() {
        assert_eq!("\u{e9}".within(1..), "");
    }
}
