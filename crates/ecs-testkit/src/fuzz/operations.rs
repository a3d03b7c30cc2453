//! Sequences of every operation, on two backends.

use ecs_storage_api::Storage;

use super::source::Source;
use crate::differential::{Checks, Chosen, Make, Operation, run};

/// As many operations as a sequence has at most: many short sequences find more than
/// few long ones.
const MOST: usize = 12;

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
    match source.byte() % 39 {
        0 => Create,
        1 => CreateWith { kind: source.byte(), value: source.value() },
        2 => CreateTyped { kind: source.byte(), value: source.value() },
        3 => CreateErased { kinds: kinds(source), value: source.value() },
        4 => CreateBatch { kind: source.byte(), count: source.rows() },
        5 => CreateColumns { kind: source.byte(), count: source.rows() },
        6 => Destroy { entity: source.pick() },
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
        12 => SetErased { entity: source.pick(), kind: source.byte(), value: source.value() },
        13 => Insert { entity: source.pick(), kind: source.byte(), value: source.value() },
        14 => InsertTyped { entity: source.pick(), kind: source.byte(), value: source.value() },
        15 => InsertErased { entity: source.pick(), kinds: kinds(source), value: source.value() },
        16 => Remove { entity: source.pick(), kind: source.byte() },
        17 => RemoveTyped { entity: source.pick(), kind: source.byte() },
        18 => RemoveErased { entity: source.pick(), kind: source.byte() },
        19 => RemoveSeveral { entity: source.pick(), kind: source.byte() },
        20 => Change { entity: source.pick(), value: source.value() },
        21 => ChangeMany {
            entities: [source.pick(), source.pick(), source.pick()],
            value: source.value(),
        },
        22 => ChangeAll { value: source.value() },
        23 => ChangePrepared { value: source.value() },
        24 => ChangeDynamic { value: source.value() },
        25 => Ask { entities: source.list(5, Source::pick) },
        26 => ChangeTracked { entity: source.pick(), value: source.value() },
        27 => ChangeMarked { value: source.value() },
        28 => ChangeChanged { value: source.value() },
        29 => Advance,
        30 => Adopt { entity: source.pick() },
        31 => AdoptMadeUp {
            shard: source.below(5),
            index: source.below(20),
            generation: source.below(4),
        },
        32 => Reserve { count: source.below(6) },
        33 => Release { entity: source.pick() },
        34 => batch(source),
        35 => LightFuse,
        36 => match source.byte() % 4 {
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
    let change = |source: &mut Source<'_>| (source.pick(), source.byte(), source.value());
    Operation::Apply {
        spawns: source.list(4, |source| {
            // Most want an id of the store's.
            let own = source.below(4) != 0;
            ((!own).then(|| source.pick()), kinds(source))
        }),
        updates: source.list(4, change),
        inserts: source.list(6, change),
        removes: source.list(4, |source| (source.pick(), source.byte())),
        destroys: source.list(4, Source::pick),
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
        1 => Chosen::Backwards(source.byte(), source.pick()),
        _ => Chosen::Listed(source.list(6, Source::pick)),
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
