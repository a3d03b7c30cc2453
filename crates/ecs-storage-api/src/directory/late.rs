//! Which ticks are late, many at once.

use crate::changes::Version;

/// Returns a bit for each of 64 ticks: whether it is later than `since`.
///
/// There is no branch: whether one of a few rows changed can't be foreseen.
#[inline]
pub(crate) fn late_ticks(ticks: &[u32; 64], since: Version) -> u64 {
    let (quarters, _) = ticks.as_chunks::<16>();
    let quarters = quarters.iter().enumerate();
    quarters.fold(0, |word, (n, quarter)| word | u64::from(sixteen(quarter, since)) << (n * 16))
}

/// Tells whether a tick is later: such a one, and no other, leaves the sign when it is
/// taken from `since`.
#[inline]
pub(crate) fn is_late(tick: u32, since: Version) -> bool {
    (since.tick().wrapping_sub(tick) as i32) < 0
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn sixteen(ticks: &[u32; 16], since: Version) -> u16 {
    use std::arch::x86_64::{
        __m128i, _mm_movemask_epi8, _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi32, _mm_sub_epi32,
    };
    let (fours, _) = ticks.as_chunks::<4>();
    let four = |n: usize| bytemuck::cast::<[u32; 4], __m128i>(fours[n]);
    // SAFETY: every x86-64 has these instructions; they compute, and touch no memory.
    unsafe {
        let since = _mm_set1_epi32(since.tick() as i32);
        let signs = |n| _mm_sub_epi32(since, four(n));
        // Narrowing keeps the signs, which are then gathered.
        let low = _mm_packs_epi32(signs(0), signs(1));
        let high = _mm_packs_epi32(signs(2), signs(3));
        _mm_movemask_epi8(_mm_packs_epi16(low, high)) as u16
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn sixteen(ticks: &[u32; 16], since: Version) -> u16 {
    (0..16).fold(0, |bits, n| bits | u16::from(is_late(ticks[n], since)) << n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tick_has_the_bit_of_its_place() {
        let mut draw = 0x9E37_79B9_7F4A_7C15u64;
        for since in [0, 5, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE] {
            let since = Version::new(since);
            let around = [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX];
            let ticks = std::array::from_fn(|n| {
                draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                match n % 3 {
                    0 => (draw >> 32) as u32,
                    _ => since.tick().wrapping_add(around[(draw >> 40) as usize % around.len()]),
                }
            });
            let word = late_ticks(&ticks, since);
            for (n, tick) in ticks.into_iter().enumerate() {
                assert_eq!(word >> n & 1 == 1, is_late(tick, since), "{tick} after {since:?}");
            }
        }
        let (now, later) = (Version::new(7), Version::new(8).tick());
        assert!(is_late(later, now) && !is_late(now.tick(), now) && !is_late(0, now));
    }
}
