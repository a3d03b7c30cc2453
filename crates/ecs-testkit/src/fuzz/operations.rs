//! Sequences of every operation, on two backends.

use ecs_storage_api::Storage;

use super::source::Source;
use crate::differential::{Checks, Chosen, Make, Operation, Pick, run};

/// As many operations as a sequence has at most: many short sequences find more than
/// few long ones.
const MOST: usize = 40;

/// Applies the sequence of operations that bytes mean to two backends.
///
/// # Panics
/// If they differ, with the sequence.
pub fn operations<A: Storage, B: Storage>(bytes: &[u8], make_a: Make<'_, A>, make_b: Make<'_, B>) {
    let mut source = Source::new(bytes);
    let next = || (!source.is_empty()).then(|| operation(&mut source));
    apply(&std::iter::from_fn(next).take(MOST).collect::<Vec<_>>(), make_a, make_b);
}

/// Applies a sequence to two backends.
pub(super) fn apply<A: Storage, B: Storage>(
    sequence: &[Operation],
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
) {
    if let Err(reason) = run(make_a, make_b, sequence, Checks::Last) {
        let list: String = sequence.iter().map(|next| format!("  {next:?}\n")).collect();
        panic!("the backends differ: {reason}\n{list}");
    }
}

/// Reads an operation.
fn operation(source: &mut Source<'_>) -> Operation {
    use Operation::*;
    let mut kind = || source.byte();
    match kind() % 39 {
        0 => Create,
        1 => CreateWith { kind: kind(), value: source.value() },
        2 => CreateTyped { kind: kind(), value: source.value() },
        3 => CreateErased { kinds: kinds(source), value: source.value() },
        4 => CreateBatch { kind: kind(), count: source.below(60) },
        5 => CreateColumns { kind: kind(), count: source.below(60) },
        6 => Destroy { entity: kind() },
        7 => DestroyBatch { entities: chosen(source) },
        8 => InsertBatch {
            entities: chosen(source),
            kind: source.byte(),
            value: source.value(),
            excess: excess(source),
        },
        9 => RemoveBatch { entities: chosen(source), kind: source.byte() },
        10 => ExchangeBatch {
            entities: chosen(source),
            lost: source.byte(),
            kind: source.byte(),
            value: source.value(),
            excess: excess(source),
        },
        11 => Clear,
        12 => SetErased { entity: kind(), kind: kind(), value: source.value() },
        13 => Insert { entity: kind(), kind: kind(), value: source.value() },
        14 => InsertTyped { entity: kind(), kind: kind(), value: source.value() },
        15 => InsertErased { entity: kind(), kinds: kinds(source), value: source.value() },
        16 => Remove { entity: kind(), kind: kind() },
        17 => RemoveTyped { entity: kind(), kind: kind() },
        18 => RemoveErased { entity: kind(), kind: kind() },
        19 => RemoveSeveral { entity: kind(), kind: kind() },
        20 => Change { entity: kind(), value: source.value() },
        21 => ChangeMany { entities: [kind(), kind(), kind()], value: source.value() },
        22 => ChangeAll { value: source.value() },
        23 => ChangePrepared { value: source.value() },
        24 => ChangeDynamic { value: source.value() },
        25 => Ask { entities: source.list(5, Source::byte) },
        26 => ChangeTracked { entity: kind(), value: source.value() },
        27 => ChangeMarked { value: source.value() },
        28 => ChangeChanged { value: source.value() },
        29 => Advance,
        30 => Adopt { entity: kind() },
        31 => AdoptMadeUp {
            shard: source.below(5),
            index: source.below(40),
            generation: source.below(4),
        },
        32 => Reserve { count: source.below(6) },
        33 => Release { entity: kind() },
        34 => batch(source),
        35 => LightFuse,
        36 => match kind() % 4 {
            0 => RestoreOwn,
            1 => RestoreEachOther,
            2 => Save,
            _ => Rewind,
        },
        37 => ChangeShard { shard: source.below(4) },
        _ => Advance,
    }
}

/// Reads a batch of changes.
pub(super) fn batch(source: &mut Source<'_>) -> Operation {
    let change = |source: &mut Source<'_>| (source.byte(), source.byte(), source.value());
    Operation::Apply {
        spawns: source.list(6, |source| {
            let id: Pick = source.byte();
            // Most want an id of the store's.
            ((id < 64).then_some(id), kinds(source))
        }),
        updates: source.list(6, change),
        inserts: source.list(8, change),
        removes: source.list(6, |source| (source.byte(), source.byte())),
        destroys: source.list(6, Source::byte),
    }
}

/// Reads which components a bundle has.
pub(super) fn kinds(source: &mut Source<'_>) -> Vec<u8> {
    source.list(5, Source::byte)
}

/// Reads which entities an operation is about.
fn chosen(source: &mut Source<'_>) -> Chosen {
    match source.below(4) {
        0 => Chosen::Having(source.byte()),
        1 => Chosen::Backwards(source.byte(), source.byte()),
        _ => Chosen::Listed(source.list(6, Source::byte)),
    }
}

/// Reads by how many bundles are too many or too few.
fn excess(source: &mut Source<'_>) -> i8 {
    match source.byte() {
        0..=15 => 1,
        16..=31 => -1,
        _ => 0,
    }
}
