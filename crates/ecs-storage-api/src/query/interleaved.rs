//! Short pieces of a long chunk, of several stretches in turn.

use std::fmt;
use std::iter::FusedIterator;

use super::chunk::Chunk;
use super::fetch::{Footprint, QueryData, Rows};

/// How many stretches there are at most.
const STRETCHES: usize = 4;

/// How many places of memory are gone through side by side at most, one for each column of
/// each stretch. With sixteen a loop took half as long again as with one stretch.
const STREAMS: usize = 8;

/// Bytes of a piece in its widest column. With twice as many the loop took a tenth longer, and
/// with four times as many as long as in order.
const PIECE: usize = 2 << 10;

/// A piece has a multiple of so many rows, so that it begins where vector registers like to.
const ROWS: usize = 16;

/// Bytes of a chunk that is worth it. From one that takes less, caches lend fast enough.
const WORTH_IT: usize = 16 << 20;

/// Iterates over short pieces of a long chunk, of several stretches in turn.
///
/// See [`Chunk::interleaved`].
pub struct Interleaved<'w, D: QueryData> {
    /// What is left of each.
    stretches: [Rows<'w, D>; STRETCHES],
    /// Rows of a piece.
    piece: usize,
    /// Whose turn it is.
    turn: usize,
}

impl<'w, D: QueryData> Interleaved<'w, D> {
    pub(super) fn new(chunk: Chunk<'w, D>) -> Self {
        let mut rest = chunk.0;
        let (stretch, piece) = cuts(rest.len(), rest.footprint());
        Self { stretches: std::array::from_fn(|_| rest.split_first(stretch)), piece, turn: 0 }
    }

    fn rows_left(&self) -> usize {
        self.stretches.iter().map(Rows::len).sum()
    }
}

/// Returns how many rows stretches have, of which there are no more than [`STRETCHES`], and
/// how many pieces have.
fn cuts(rows: usize, row: Footprint) -> (usize, usize) {
    let stretches = STRETCHES.min(STREAMS / row.columns.max(1));
    if stretches < 2 || rows.saturating_mul(row.bytes) < WORTH_IT {
        return (rows, rows);
    }
    let piece = (PIECE / row.widest).next_multiple_of(ROWS).max(ROWS);
    (rows.div_ceil(stretches).next_multiple_of(piece), piece)
}

impl<'w, D: QueryData> Iterator for Interleaved<'w, D> {
    type Item = Chunk<'w, D>;

    #[inline]
    fn next(&mut self) -> Option<Chunk<'w, D>> {
        for _ in 0..STRETCHES {
            let stretch = &mut self.stretches[self.turn % STRETCHES];
            self.turn += 1;
            if stretch.len() > 0 {
                return Some(Chunk(stretch.split_first(self.piece)));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let pieces = self.stretches.iter().map(|rows| rows.len().div_ceil(self.piece.max(1)));
        let pieces = pieces.sum();
        (pieces, Some(pieces))
    }
}

impl<D: QueryData> ExactSizeIterator for Interleaved<'_, D> {}

impl<D: QueryData> FusedIterator for Interleaved<'_, D> {}

impl<D: QueryData> fmt::Debug for Interleaved<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interleaved").field("rows_left", &self.rows_left()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn row(columns: usize, widest: usize) -> Footprint {
        Footprint { columns, bytes: columns * widest, widest }
    }

    #[test]
    fn what_takes_little_memory_or_lies_in_many_columns_stays_whole() {
        let many = 1 << 30;
        for columns in 1..=4 {
            let enough = WORTH_IT.div_ceil(columns * 4);
            assert_eq!(cuts(enough - 1, row(columns, 4)), (enough - 1, enough - 1));
            assert!(cuts(enough, row(columns, 4)).0 < enough);
        }
        assert_eq!(cuts(many, row(5, 4)), (many, many));
        assert_eq!(cuts(many, Footprint { columns: 0, bytes: 0, widest: 0 }), (many, many));
    }

    #[test]
    fn stretches_are_whole_pieces_and_few_enough_to_follow() {
        for columns in 1..=4 {
            for widest in [1, 4, 12, 100, 4_096, 100_000] {
                for rows in [1, 999_999, 1_000_000, 123_456_789] {
                    let (stretch, piece) = cuts(rows, row(columns, widest));
                    let stretches = rows.div_ceil(stretch);
                    if stretches == 1 {
                        continue;
                    }
                    assert!(stretches <= STRETCHES && stretches * columns <= STREAMS);
                    assert!(stretch % piece == 0 && piece % ROWS == 0);
                    assert!(piece == ROWS || piece * widest < PIECE + ROWS * widest);
                }
            }
        }
    }
}
