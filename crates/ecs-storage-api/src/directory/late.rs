//! Which ticks are late, many at once.

use super::lines::{LineWord, PAGE_LINES};
use super::prefetch;
use crate::changes::{LINE_ROWS, PAGE_ROWS, Version};

/// Ticks of so many rows make a word of bits.
const WORD: usize = u64::BITS as usize;

/// Sets a bit for each tick that is later than `since`; `bits` has room for all of them,
/// and none is set.
///
/// There is no branch: whether one of a few rows changed can't be foreseen.
pub(crate) fn late_ticks(ticks: &[u32], since: Version, bits: &mut [u64]) {
    let (words, rest) = ticks.as_chunks::<WORD>();
    let (of_words, of_rest) = bits.split_at_mut(words.len());
    late_words(words, since, of_words);
    if !rest.is_empty() {
        of_rest[0] |= late_one_by_one(rest, since);
    }
}

/// The lines of a page of which values were lent later than some version, a bit each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LateLines {
    late: u64,
    /// Those of them that do not tell which values; ticks of rows do.
    untold: u64,
}

impl LateLines {
    /// Returns those of a page; none of one that is not there.
    #[inline]
    pub(crate) fn of(lines: &[LineWord], page: usize, since: Version) -> Self {
        let (pages, _) = lines.as_chunks::<PAGE_LINES>();
        pages.get(page).map_or_else(Self::default, |lines| {
            let (late, early) = late_and_untold(lines, since);
            Self { late, untold: late & early }
        })
    }

    /// Returns the same where something else is asked than what lines can tell.
    pub(crate) fn all_untold(self) -> Self {
        Self { untold: self.late, ..self }
    }

    /// Asks memory for the ticks that tell what lines do not, of the page whose ticks begin
    /// at `first`.
    #[inline(always)]
    pub(crate) fn ask_for_ticks(self, first: *const u32) {
        each_bit(self.untold, |line| prefetch(first.wrapping_add(line * LINE_ROWS)));
    }

    /// Gives the rows of a page that are later than `since`, by its ticks and all lines of
    /// its column, some of them at a time: which row is the first, and a bit for each from
    /// there on. No more than a word's are given at once, and none across words.
    #[inline(always)]
    pub(crate) fn rows(
        self,
        ticks: &[u32],
        lines: &[LineWord],
        page: usize,
        since: Version,
        mut each: impl FnMut(usize, u64),
    ) {
        let (pages, _) = lines.as_chunks::<PAGE_LINES>();
        let Some(words) = pages.get(page) else { return };
        if self.untold == 0 && ticks.len() == PAGE_ROWS {
            if self.late.count_ones() as usize >= MANY {
                return self.words_of_rows(words, each);
            }
            return each_bit(self.late, |line| each(line * LINE_ROWS, row_bits(words[line])));
        }
        let (whole, rest) = ticks.as_chunks();
        each_bit(self.late, |line| {
            let is_told = self.untold >> line & 1 == 0;
            let late = match whole.get(line) {
                Some(_) if is_told => row_bits(words[line]),
                Some(ticks) => late_in_line(ticks, since).into(),
                None if line != whole.len() => 0,
                // Rows were there, behind these, that have gone.
                None if is_told => row_bits(words[line]) & ((1 << rest.len()) - 1),
                None => late_one_by_one(rest, since),
            };
            each(line * LINE_ROWS, late);
        });
    }

    /// Gives the rows that the lines of a page tell, those of several lines at once.
    ///
    /// How many rows of a line are late can't be foreseen, and so a loop over them ends at
    /// a branch that the processor guesses wrong: here once for a word, and not for each line.
    #[inline(always)]
    fn words_of_rows(self, lines: &[LineWord; PAGE_LINES], mut each: impl FnMut(usize, u64)) {
        for (n, lines) in lines.as_chunks::<{ WORD / LINE_ROWS }>().0.iter().enumerate() {
            let late = self.late >> (n * lines.len());
            let of_line = |(n, &line): (usize, &LineWord)| match late >> n & 1 {
                0 => 0,
                _ => row_bits(line) << (n * LINE_ROWS),
            };
            each(n * WORD, lines.iter().enumerate().map(of_line).fold(0, |all, bits| all | bits));
        }
    }
}

/// So many lines of a page that are late are so many that a word of rows without one is rare.
const MANY: usize = PAGE_LINES * 3 / 4;

/// Returns a bit for each row of a line that tells them.
#[inline(always)]
fn row_bits(line: LineWord) -> u64 {
    line & ((1 << LINE_ROWS) - 1)
}

/// Gives the numbers of the bits that are set, in ascending order.
#[inline(always)]
fn each_bit(mut bits: u64, mut each: impl FnMut(usize)) {
    while bits != 0 {
        each(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// Returns a bit for each of a few ticks.
#[inline]
fn late_one_by_one(ticks: &[u32], since: Version) -> u64 {
    let bits = ticks.iter().enumerate().map(|(n, &tick)| u64::from(is_late(tick, since)) << n);
    bits.fold(0, |all, bit| all | bit)
}

/// Tells whether a tick is later: such a one, and no other, leaves the sign when it is
/// taken from `since`.
#[inline]
fn is_late(tick: u32, since: Version) -> bool {
    (since.tick().wrapping_sub(tick) as i32) < 0
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn late_words(words: &[[u32; WORD]], since: Version, bits: &mut [u64]) {
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what is asked of it.
        unsafe { x86::late_words_by_avx2(words, since, bits) }
    } else {
        x86::late_words(words, since, bits);
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn late_words(words: &[[u32; WORD]], since: Version, bits: &mut [u64]) {
    bits.iter_mut().zip(words).for_each(|(bits, word)| *bits = late_one_by_one(word, since));
}

/// Returns a bit for each line of which values were lent later; and a bit for each, if it
/// is late, that does not tell which values.
#[inline]
fn late_and_untold(lines: &[LineWord; PAGE_LINES], since: Version) -> (u64, u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    let found = if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what is asked of it.
        unsafe { x86::late_and_untold_by_avx2(lines, since) }
    } else {
        x86::late_and_untold(lines, since)
    };
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let found = late_and_untold_one_by_one(lines, since);
    found
}

/// As [`late_and_untold`], by plain instructions.
#[cfg(any(test, not(all(target_arch = "x86_64", not(miri)))))]
fn late_and_untold_one_by_one(lines: &[LineWord; PAGE_LINES], since: Version) -> (u64, u64) {
    lines.iter().enumerate().fold((0, 0), |(late, untold), (n, &word)| {
        let (last, distance) = ((word >> 32) as u32, word as u32 >> LINE_ROWS);
        let bit = |tick| u64::from(is_late(tick, since)) << n;
        (late | bit(last), untold | bit(last.wrapping_sub(distance)))
    })
}

/// Returns a bit for each tick of a line.
#[inline]
fn late_in_line(line: &[u32; LINE_ROWS], since: Version) -> u16 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    let late = x86::sixteen(line, since);
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let late = late_one_by_one(line, since) as u16;
    late
}

/// Signs of many differences, gathered by instructions of x86-64.
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    use std::arch::x86_64::*;

    use super::WORD;
    use crate::changes::{LINE_ROWS, PAGE_ROWS, Version};
    use crate::directory::lines::{LineWord, PAGE_LINES};
    use crate::directory::prefetch;

    /// Asks memory for ticks half a page ahead, so that it has something to do while those
    /// who are late in this page are written down. A whole page ahead is more than memory
    /// that is far away has under way: then it is waited for.
    #[inline(always)]
    fn ask_ahead(word: &[u32; WORD]) {
        let ahead = word.as_ptr().wrapping_add(PAGE_ROWS / 2);
        (0..WORD).step_by(LINE_ROWS).for_each(|n| prefetch(ahead.wrapping_add(n)));
    }

    /// With the instructions that every x86-64 has.
    pub(super) fn late_words(words: &[[u32; WORD]], since: Version, bits: &mut [u64]) {
        for (bits, word) in bits.iter_mut().zip(words) {
            ask_ahead(word);
            let (quarters, _) = word.as_chunks();
            let quarters = quarters.iter().enumerate();
            *bits = quarters.fold(0, |bits, (n, quarter)| {
                bits | u64::from(sixteen(quarter, since)) << (n * 16)
            });
        }
    }

    #[inline(always)]
    pub(super) fn sixteen(ticks: &[u32; 16], since: Version) -> u16 {
        let (fours, _) = ticks.as_chunks::<4>();
        let four = |n: usize| bytemuck::cast::<[u32; 4], __m128i>(fours[n]);
        // SAFETY: every x86-64 has these instructions; they compute, and touch no memory.
        unsafe {
            let since = _mm_set1_epi32(since.tick() as i32);
            signs([0, 1, 2, 3].map(|n| _mm_sub_epi32(since, four(n))))
        }
    }

    /// Returns the signs of sixteen numbers.
    #[inline(always)]
    fn signs([a, b, c, d]: [__m128i; 4]) -> u16 {
        // SAFETY: as in `sixteen`.
        unsafe {
            // Narrowing keeps the signs, which are then gathered.
            let (low, high) = (_mm_packs_epi32(a, b), _mm_packs_epi32(c, d));
            _mm_movemask_epi8(_mm_packs_epi16(low, high)) as u16
        }
    }

    /// As its namesake, without the instructions that not every x86-64 has.
    #[inline]
    pub(super) fn late_and_untold(lines: &[LineWord; PAGE_LINES], since: Version) -> (u64, u64) {
        let (quarters, _) = lines.as_chunks::<16>();
        quarters.iter().enumerate().fold((0, 0), |(late, untold), (n, quarter)| {
            let (fours, _) = quarter.as_chunks::<4>();
            // How late lines are, as negative numbers, and what was before.
            // SAFETY: as in `sixteen`.
            let found: [_; 4] = std::array::from_fn(|n| unsafe {
                let [a, b] = bytemuck::cast::<[LineWord; 4], [__m128; 2]>(fours[n]);
                let upper = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(a, b));
                let lower = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(a, b));
                let last = _mm_sub_epi32(_mm_set1_epi32(since.tick() as i32), upper);
                (last, _mm_add_epi32(last, _mm_srli_epi32::<{ LINE_ROWS as i32 }>(lower)))
            });
            let shift = |signs: u16| u64::from(signs) << (n * 16);
            let (last, before) = (found.map(|(last, _)| last), found.map(|(_, before)| before));
            (late | shift(signs(last)), untold | shift(signs(before)))
        })
    }

    /// The same with registers of twice the width.
    #[target_feature(enable = "avx2")]
    pub(super) fn late_and_untold_by_avx2(
        lines: &[LineWord; PAGE_LINES],
        since: Version,
    ) -> (u64, u64) {
        let (mut late, mut untold) = (0, 0);
        for (n, half) in lines.as_chunks::<32>().0.iter().enumerate() {
            let (eights, _) = half.as_chunks::<8>();
            let [a, b, c, d] = [0, 1, 2, 3].map(|n| how_late(&eights[n], since));
            late |= u64::from(signs_of_thirty_two([a.0, b.0, c.0, d.0])) << (n * 32);
            untold |= u64::from(signs_of_thirty_two([a.1, b.1, c.1, d.1])) << (n * 32);
        }
        (late, untold)
    }

    /// Returns how late eight lines are, as negative numbers, and what was before: the first
    /// half has lines 0, 1, 4 and 5, the second one 2, 3, 6 and 7.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn how_late(lines: &[LineWord; 8], since: Version) -> (__m256i, __m256i) {
        let [a, b] = bytemuck::cast::<[LineWord; 8], [__m256; 2]>(*lines);
        let upper = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(a, b));
        let lower = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
        let last = _mm256_sub_epi32(_mm256_set1_epi32(since.tick() as i32), upper);
        (last, _mm256_add_epi32(last, _mm256_srli_epi32::<{ LINE_ROWS as i32 }>(lower)))
    }

    /// Returns the signs of numbers in the order of [`how_late`].
    #[inline]
    #[target_feature(enable = "avx2")]
    fn signs_of_thirty_two([a, b, c, d]: [__m256i; 4]) -> u32 {
        // Narrowing keeps the signs; then pairs of the halves are put between each other.
        let (low, high) = (_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
        let signs = _mm256_packs_epi16(low, high);
        let first = _mm256_castsi256_si128(signs);
        let second = _mm256_extracti128_si256::<1>(signs);
        let low = _mm_movemask_epi8(_mm_unpacklo_epi16(first, second)) as u32;
        let high = _mm_movemask_epi8(_mm_unpackhi_epi16(first, second)) as u32;
        low | high << 16
    }

    /// As `late_words`, with registers of twice the width.
    #[target_feature(enable = "avx2")]
    pub(super) fn late_words_by_avx2(words: &[[u32; WORD]], since: Version, bits: &mut [u64]) {
        for (bits, word) in bits.iter_mut().zip(words) {
            ask_ahead(word);
            let (low, high) = word.split_at(WORD / 2);
            let half =
                |ticks: &[u32]| u64::from(thirty_two(ticks.as_array().expect("half"), since));
            *bits = half(low) | half(high) << 32;
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn thirty_two(ticks: &[u32; 32], since: Version) -> u32 {
        let (eights, _) = ticks.as_chunks::<8>();
        let since = _mm256_set1_epi32(since.tick() as i32);
        let signs = |n: usize| {
            let eight = bytemuck::cast::<[u32; 8], __m256i>(eights[n]);
            _mm256_sub_epi32(since, eight)
        };
        let low = _mm256_packs_epi32(signs(0), signs(1));
        let high = _mm256_packs_epi32(signs(2), signs(3));
        // Narrowing takes lower and upper halves of registers apart: fours of rows come in
        // the order 0, 2, 4, 6, 1, 3, 5, 7.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        let signs = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
        _mm256_movemask_epi8(signs) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::lines::{Line, Lines};

    /// Whether ticks of any age, some of them around `since`, have the bits of their
    /// places.
    fn check(late: impl Fn(&[u32], Version, &mut [u64])) {
        let mut draw = 0x9E37_79B9_7F4A_7C15u64;
        for since in [0, 5, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE] {
            let since = Version::new(since);
            let around = [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX];
            let ticks: [u32; 5 * WORD] = std::array::from_fn(|n| {
                draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                match n % 3 {
                    0 => (draw >> 32) as u32,
                    _ => since.tick().wrapping_add(around[(draw >> 40) as usize % around.len()]),
                }
            });
            for len in [0, WORD, 3 * WORD, ticks.len()] {
                let mut bits = [0; 5];
                late(&ticks[..len], since, &mut bits);
                for (n, &tick) in ticks.iter().enumerate() {
                    let bit = bits[n / WORD] >> (n % WORD) & 1 == 1;
                    assert_eq!(bit, n < len && is_late(tick, since), "{n}: {tick} after {since:?}");
                }
            }
        }
    }

    #[test]
    fn each_tick_has_the_bit_of_its_place() {
        check(late_ticks);
        let (now, later) = (Version::new(7), Version::new(8).tick());
        assert!(is_late(later, now) && !is_late(now.tick(), now) && !is_late(0, now));
        for len in 0..3 * WORD {
            let mut bits = [0; 3];
            late_ticks(&vec![later; len], now, &mut bits);
            assert_eq!(bits.map(u64::count_ones).iter().sum::<u32>(), len as u32);
            assert!((0..len).all(|n| bits[n / WORD] >> (n % WORD) & 1 == 1));
        }
    }

    /// Returns the rows of a page that are late, as its lines and ticks tell.
    fn rows_of(late: LateLines, ticks: &[u32], lines: &[LineWord], since: Version) -> Vec<usize> {
        let mut rows = Vec::new();
        late.rows(ticks, lines, 1, since, |first, bits| {
            rows.extend((0..WORD).filter(|n| bits >> n & 1 == 1).map(|n| first + n));
        });
        rows
    }

    #[test]
    fn words_tell_the_same_rows_as_lines() {
        let (now, later) = (Version::new(7), Version::new(8));
        for count in [1, MANY - 1, MANY, MANY + 5, PAGE_LINES] {
            let mut lines = Lines::default();
            lines.cover(2);
            // Lines that are not late tell rows, too: those that were written before.
            (PAGE_ROWS..2 * PAGE_ROWS).step_by(5).for_each(|row| lines.mark_row(row, now));
            let mut ticks = vec![now.tick(); PAGE_ROWS];
            // 29 has no factor in common with the number of lines: each is one of its own.
            for line in (0..count).map(|n| n * 29 % PAGE_LINES) {
                let some = [0, line % LINE_ROWS, LINE_ROWS - 1];
                let rows = some.into_iter().chain((0..LINE_ROWS).filter(|_| line % 8 < 4));
                for row in rows.map(|row| line * LINE_ROWS + row) {
                    lines.mark_row(PAGE_ROWS + row, later);
                    ticks[row] = later.tick();
                }
            }
            let words: Vec<_> = lines.as_slice().iter().map(Line::word).collect();
            let late = LateLines::of(&words, 1, now);
            assert_eq!((late.late.count_ones() as usize, late.untold), (count, 0));
            let expected: Vec<_> =
                (0..PAGE_ROWS).filter(|&row| ticks[row] == later.tick()).collect();
            assert_eq!(rows_of(late, &ticks, &words, now), expected);
            assert_eq!(rows_of(late.all_untold(), &ticks, &words, now), expected);
        }
    }

    #[test]
    fn only_lines_that_are_late_are_looked_into() {
        let (now, later) = (Version::new(7), Version::new(8).tick());
        for len in [0, 1, 15, 16, 17, 100, PAGE_ROWS] {
            let mut lines = [0; 2 * PAGE_LINES];
            let page = &mut lines[PAGE_LINES..];
            page.iter_mut().step_by(3).for_each(|line| *line = LineWord::from(later) << 32);
            let ticks: Vec<u32> = (0..len).map(|row| later * u32::from(row % 2 == 0)).collect();
            assert_eq!(LateLines::of(&lines, 2, now).late, 0);
            let late = rows_of(LateLines::of(&lines, 1, now), &ticks, &lines, now);
            let is_late =
                |row: &usize| row.is_multiple_of(2) && (row / LINE_ROWS).is_multiple_of(3);
            assert!(late.into_iter().eq((0..len).filter(is_late)), "of {len} ticks");
        }
    }

    /// Numbers without order.
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) as usize % end
        }
    }

    #[test]
    fn lines_and_ticks_tell_which_rows_were_written() {
        let mut draw = Draw(7);
        for (round, len) in [3, 40, 1000, PAGE_ROWS, PAGE_ROWS].into_iter().enumerate() {
            let mut lines = Lines::default();
            lines.cover(2);
            // Ticks begin again meanwhile.
            let mut now = (1 << 32) - 40_000 * round as u64;
            let mut written = vec![now - 1; len];
            let mut moments = vec![now - 1];
            for step in 0..3_000 {
                now += [0, 0, 1, 2, 300, 70_000][draw.below(6)];
                moments.push(now);
                let (version, first) = (Version::new(now), draw.below(len));
                if round != 4 && draw.below(4) == 0 {
                    // Rows are lent together, of which not each is written.
                    let rows = first..first + 1 + draw.below((len - first).min(50));
                    lines.mark(PAGE_ROWS + rows.start..PAGE_ROWS + rows.end, version);
                    rows.filter(|row| row % 2 == 0).for_each(|row| written[row] = now);
                } else {
                    lines.mark_row(PAGE_ROWS + first, version);
                    written[first] = now;
                }
                if step % 20 != 0 {
                    continue;
                }
                let ticks: Vec<_> = written.iter().map(|&at| Version::new(at).tick()).collect();
                let words: Vec<_> = lines.as_slice().iter().map(Line::word).collect();
                let moment = moments.len() - 1 - draw.below(moments.len().min(40));
                let since = Version::new(moments[moment]);
                let expected: Vec<_> = (0..len).filter(|&row| written[row] > since.get()).collect();
                let late = LateLines::of(&words, 1, since);
                assert_eq!(rows_of(late, &ticks, &words, since), expected);
                assert_eq!(rows_of(late.all_untold(), &ticks, &words, since), expected);
                let page = words.as_chunks::<PAGE_LINES>().0[1];
                let found = late_and_untold(&page, since);
                assert_eq!((found.0, found.0 & found.1), (late.late, late.untold));
                let plain = late_and_untold_one_by_one(&page, since);
                assert_eq!((plain.0, plain.0 & plain.1), (late.late, late.untold));
                #[cfg(all(target_arch = "x86_64", not(miri)))]
                {
                    let every = x86::late_and_untold(&page, since);
                    assert_eq!((every.0, every.0 & every.1), (late.late, late.untold));
                }
            }
        }
    }

    #[test]
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn every_x86_64_finds_the_same() {
        check(|ticks, since, bits| x86::late_words(ticks.as_chunks().0, since, bits));
    }
}
