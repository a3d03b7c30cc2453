//! Batches of changes on stores that have something to change.

use ecs_storage_api::Storage;

use super::operations::{apply, batch, kinds};
use super::source::Source;
use crate::differential::{Make, Operation};

/// As many operations as there are at most; a third of them or more are batches.
const MOST: usize = 12;

/// Fills two backends with what bytes mean, and applies the batches that the rest
/// of them means.
///
/// # Panics
/// If they differ, or a refused batch has an effect; with all that was done.
pub fn update_batch<A: Storage, B: Storage>(
    bytes: &[u8],
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
) {
    let mut source = Source::new(bytes);
    let mut sequence: Vec<_> = source.list(6, filling);
    while !source.is_empty() && sequence.len() < MOST {
        // A value that panics as it ends is in the way of a batch, not of others.
        if source.below(4) == 0 {
            sequence.push(Operation::LightFuse);
        }
        sequence.push(batch(&mut source));
        sequence.push(Operation::Advance);
    }
    apply(&sequence, make_a, make_b);
}

/// Reads an operation that makes entities, or ids of various kinds.
fn filling(source: &mut Source<'_>) -> Operation {
    match source.below(8) {
        0 => Operation::Reserve { count: source.below(6) },
        1 => Operation::Destroy { entity: source.pick() },
        2 => Operation::AdoptMadeUp {
            shard: source.below(5),
            index: source.below(20),
            generation: source.below(3),
        },
        3 => Operation::CreateBatch { kind: source.byte(), count: source.rows() },
        _ => Operation::CreateErased { kinds: kinds(source), value: source.value() },
    }
}
