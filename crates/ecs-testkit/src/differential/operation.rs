//! What can be done to a store.

use proptest::collection::vec;
use proptest::prelude::*;

/// Which known id an operation is about, living or dead: the n-th, or the last.
///
/// Not the n-th modulo their number: then every operation that is left out while
/// a failure is shrunk would change what all later ones are about.
pub type Pick = u8;

/// Which component or bundle an operation is about, modulo their number.
pub type Kind = u8;

/// Which entities an operation is about, in which order.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// Those picked; ids may repeat or be dead.
    Listed(Vec<Pick>),
    /// All that have a component, in ascending order of id: whole tables, often
    /// in the order of their rows.
    Having(Kind),
    /// The same without the first few, backwards.
    Backwards(Kind, Pick),
}

/// One operation on a store.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are what the operation's name says")]
pub enum Operation {
    /// Makes an entity without components.
    Create,
    /// Makes an entity with a typed bundle; one kind holds a component twice.
    CreateWith { kind: Kind, value: i32 },
    /// The same by the method for known types.
    CreateTyped { kind: Kind, value: i32 },
    /// Makes an entity with a bundle put together at run time, right or wrong.
    CreateErased { kinds: Vec<Kind>, value: i32 },
    /// Makes several entities.
    CreateBatch { kind: Kind, count: u8 },
    /// Makes several entities of columns, right or wrong.
    CreateColumns { kind: Kind, count: u8 },
    /// Ends an entity.
    Destroy { entity: Pick },
    /// Ends several.
    DestroyBatch { entities: Chosen },
    /// Inserts typed bundles into several, too many or too few by `excess`.
    InsertBatch { entities: Chosen, kind: Kind, value: i32, excess: i8 },
    /// Takes components away from several.
    RemoveBatch { entities: Chosen, kind: Kind },
    /// Takes components away from several and inserts bundles, too many or too few
    /// by `excess`.
    ExchangeBatch { entities: Chosen, lost: Kind, kind: Kind, value: i32, excess: i8 },
    /// Ends all.
    Clear,
    /// Sets one component through the erased protocol.
    SetErased { entity: Pick, kind: Kind, value: i32 },
    /// Inserts a typed bundle; one kind holds a component twice.
    Insert { entity: Pick, kind: Kind, value: i32 },
    /// The same by the method for known types.
    InsertTyped { entity: Pick, kind: Kind, value: i32 },
    /// Inserts a bundle put together at run time, right or wrong.
    InsertErased { entity: Pick, kinds: Vec<Kind>, value: i32 },
    /// Takes a component away, typed.
    Remove { entity: Pick, kind: Kind },
    /// The same by the method for known types.
    RemoveTyped { entity: Pick, kind: Kind },
    /// Takes a component away through the erased protocol.
    RemoveErased { entity: Pick, kind: Kind },
    /// Takes several components away; one kind names a component twice.
    RemoveSeveral { entity: Pick, kind: Kind },
    /// Changes a value in place.
    Change { entity: Pick, value: i32 },
    /// Changes values of several entities at once; ids may repeat or be dead.
    ChangeMany { entities: [Pick; 3], value: i32 },
    /// Changes values through a typed query.
    ChangeAll { value: i32 },
    /// Changes values through a typed query that was prepared long ago.
    ChangePrepared { value: i32 },
    /// Changes values through a dynamic query that was prepared long ago.
    ChangeDynamic { value: i32 },
    /// Asks a query for single entities, for reading and for writing.
    Ask { entities: Vec<Pick> },
    /// Changes a tracked value in place.
    ChangeTracked { entity: Pick, value: i32 },
    /// Changes those tracked values that are low, through a query whose terms mark
    /// what is written.
    ChangeMarked { value: i32 },
    /// Changes what has changed since this was done last.
    ChangeChanged { value: i32 },
    /// Raises the version.
    Advance,
    /// Makes an id real that was reserved, or that another shard named.
    Adopt { entity: Pick },
    /// Makes an id real that is made up: of any shard, near those in use.
    AdoptMadeUp { shard: u8, index: u8, generation: u8 },
    /// Names entities ahead of time.
    Reserve { count: u8 },
    /// Gives a reserved id back.
    Release { entity: Pick },
    /// Applies a batch, right or wrong.
    Apply {
        spawns: Vec<(Option<Pick>, Vec<Kind>)>,
        updates: Vec<(Pick, Kind, i32)>,
        inserts: Vec<(Pick, Kind, i32)>,
        removes: Vec<(Pick, Kind)>,
        destroys: Vec<Pick>,
    },
    /// Lets the next bomb that is dropped go off.
    LightFuse,
    /// Saves each store and restores it into itself.
    RestoreOwn,
    /// Saves each store and restores it into the other.
    RestoreEachOther,
    /// Saves each store for later.
    Save,
    /// Restores what was saved last.
    Rewind,
    /// Loads each store's content as that of another shard.
    ChangeShard { shard: u8 },
    /// Takes a cut of each store, after an earlier one, and keeps it.
    TakeCut { before: u8 },
    /// Goes back, or across, to a cut that was kept; another one is said to be where
    /// the store comes from.
    GoBack { cut: u8, before: u8 },
}

/// Draws operations, cuts among them. Most make no transient components: where there
/// are such, stores load everything.
pub(super) fn operation_with_cuts() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let pick = || prop_oneof![0..6u8, 0..=255u8];
    // Kinds of bundles and of components that are persistent.
    let bundle = || prop_oneof![Just(0u8), Just(1), Just(3), Just(7)];
    let kind = || prop_oneof![0..3u8, 4..10u8];
    let kinds = || vec(kind(), 0..4);
    let value = || 0..100i32;
    let chosen = || {
        prop_oneof![
            4 => vec(pick(), 0..5).prop_map(Chosen::Listed),
            1 => (any::<Kind>(), pick()).prop_map(|(kind, most)| Chosen::Backwards(kind, most)),
        ]
    };
    prop_oneof![
        1 => operation(),
        6 => (bundle(), value()).prop_map(|(kind, value)| CreateTyped { kind, value }),
        4 => (kinds(), value()).prop_map(|(kinds, value)| CreateErased { kinds, value }),
        2 => (0..40u8).prop_map(|count| CreateBatch { kind: 0, count }),
        6 => pick().prop_map(|entity| Destroy { entity }),
        3 => chosen().prop_map(|entities| DestroyBatch { entities }),
        4 => (pick(), kind(), value())
            .prop_map(|(entity, kind, value)| SetErased { entity, kind, value }),
        4 => (pick(), bundle(), value())
            .prop_map(|(entity, kind, value)| InsertTyped { entity, kind, value }),
        4 => (pick(), kind()).prop_map(|(entity, kind)| RemoveErased { entity, kind }),
        3 => (pick(), value()).prop_map(|(entity, value)| Change { entity, value }),
        3 => (pick(), value()).prop_map(|(entity, value)| ChangeTracked { entity, value }),
        1 => value().prop_map(|value| ChangeMarked { value }),
        1 => value().prop_map(|value| ChangeChanged { value }),
        1 => value().prop_map(|value| ChangePrepared { value }),
        4 => Just(Advance),
        1 => pick().prop_map(|entity| Adopt { entity }),
        1 => (0..5u8, 0..12u8, 0..3u8)
            .prop_map(|(shard, index, generation)| AdoptMadeUp { shard, index, generation }),
        1 => (0..4u8).prop_map(|count| Reserve { count }),
        1 => pick().prop_map(|entity| Release { entity }),
        8 => (0..8u8).prop_map(|before| TakeCut { before }),
        8 => (0..8u8).prop_map(|cut| GoBack { cut, before: cut }),
        4 => (0..8u8, 0..8u8).prop_map(|(cut, before)| GoBack { cut, before }),
    ]
}

/// Draws operations; those that make and fill entities come most often.
pub(super) fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let pick = || prop_oneof![0..6u8, 0..40u8];
    let kind = any::<Kind>;
    let kinds = || vec(any::<Kind>(), 0..4);
    let value = || 0..100i32;
    let count = || prop_oneof![4 => 0..12u8, 1 => 30..60u8];
    let chosen = || {
        prop_oneof![
            2 => vec(pick(), 0..5).prop_map(Chosen::Listed),
            2 => kind().prop_map(Chosen::Having),
            1 => (kind(), pick()).prop_map(|(kind, without)| Chosen::Backwards(kind, without)),
        ]
    };
    let excess = || prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(-1)];
    prop_oneof![
        2 => Just(Create),
        4 => (kind(), value()).prop_map(|(kind, value)| CreateWith { kind, value }),
        6 => (kind(), value()).prop_map(|(kind, value)| CreateTyped { kind, value }),
        3 => (kinds(), value()).prop_map(|(kinds, value)| CreateErased { kinds, value }),
        3 => (kind(), count()).prop_map(|(kind, count)| CreateBatch { kind, count }),
        2 => (kind(), count()).prop_map(|(kind, count)| CreateColumns { kind, count }),
        5 => pick().prop_map(|entity| Destroy { entity }),
        2 => chosen().prop_map(|entities| DestroyBatch { entities }),
        4 => (chosen(), kind(), value(), excess()).prop_map(|(entities, kind, value, excess)| {
            InsertBatch { entities, kind, value, excess }
        }),
        4 => (chosen(), kind()).prop_map(|(entities, kind)| RemoveBatch { entities, kind }),
        5 => (chosen(), kind(), kind(), value(), excess()).prop_map(
            |(entities, lost, kind, value, excess)| ExchangeBatch {
                entities, lost, kind, value, excess
            }
        ),
        1 => Just(Clear),
        4 => (pick(), kind(), value())
            .prop_map(|(entity, kind, value)| SetErased { entity, kind, value }),
        4 => (pick(), kind(), value())
            .prop_map(|(entity, kind, value)| Insert { entity, kind, value }),
        7 => (pick(), kind(), value())
            .prop_map(|(entity, kind, value)| InsertTyped { entity, kind, value }),
        3 => (pick(), kinds(), value())
            .prop_map(|(entity, kinds, value)| InsertErased { entity, kinds, value }),
        2 => (pick(), kind()).prop_map(|(entity, kind)| Remove { entity, kind }),
        5 => (pick(), kind()).prop_map(|(entity, kind)| RemoveTyped { entity, kind }),
        3 => (pick(), kind()).prop_map(|(entity, kind)| RemoveErased { entity, kind }),
        2 => (pick(), kind()).prop_map(|(entity, kind)| RemoveSeveral { entity, kind }),
        3 => (pick(), value()).prop_map(|(entity, value)| Change { entity, value }),
        1 => ([pick(), pick(), pick()], value())
            .prop_map(|(entities, value)| ChangeMany { entities, value }),
        2 => value().prop_map(|value| ChangeAll { value }),
        2 => value().prop_map(|value| ChangePrepared { value }),
        2 => value().prop_map(|value| ChangeDynamic { value }),
        2 => (pick(), value()).prop_map(|(entity, value)| ChangeTracked { entity, value }),
        2 => value().prop_map(|value| ChangeMarked { value }),
        2 => value().prop_map(|value| ChangeChanged { value }),
        8 => Just(Advance),
        2 => vec(pick(), 0..4).prop_map(|entities| Ask { entities }),
        2 => pick().prop_map(|entity| Adopt { entity }),
        1 => (0..5u8, 0..12u8, 0..3u8)
            .prop_map(|(shard, index, generation)| AdoptMadeUp { shard, index, generation }),
        1 => (0..4u8).prop_map(|count| Reserve { count }),
        1 => pick().prop_map(|entity| Release { entity }),
        5 => (
            vec((proptest::option::weighted(0.3, pick()), kinds()), 0..3),
            vec((pick(), kind(), value()), 0..3),
            vec((pick(), kind(), value()), 0..3),
            vec((pick(), kind()), 0..2),
            vec(pick(), 0..2),
        )
            .prop_map(|(spawns, updates, inserts, removes, destroys)| {
                Apply { spawns, updates, inserts, removes, destroys }
            }),
        2 => Just(LightFuse),
        1 => Just(RestoreOwn),
        1 => Just(RestoreEachOther),
        1 => Just(Save),
        1 => Just(Rewind),
        1 => (0..4u8).prop_map(|shard| ChangeShard { shard }),
    ]
}

impl Operation {
    /// Lets the operation be about the entities before those that it is about.
    pub(super) fn name_one_lower(&mut self) {
        use Operation::*;
        let lower = |pick: &mut Pick| *pick = pick.saturating_sub(1);
        match self {
            Destroy { entity }
            | SetErased { entity, .. }
            | Insert { entity, .. }
            | InsertTyped { entity, .. }
            | InsertErased { entity, .. }
            | Remove { entity, .. }
            | RemoveTyped { entity, .. }
            | RemoveErased { entity, .. }
            | RemoveSeveral { entity, .. }
            | Change { entity, .. }
            | ChangeTracked { entity, .. }
            | Adopt { entity }
            | Release { entity } => lower(entity),
            DestroyBatch { entities }
            | InsertBatch { entities, .. }
            | RemoveBatch { entities, .. }
            | ExchangeBatch { entities, .. } => {
                if let Chosen::Listed(entities) = entities {
                    entities.iter_mut().for_each(lower);
                }
            }
            Ask { entities } => entities.iter_mut().for_each(lower),
            ChangeMany { entities, .. } => entities.iter_mut().for_each(lower),
            Apply { spawns, updates, inserts, removes, destroys } => {
                spawns.iter_mut().filter_map(|(id, _)| id.as_mut()).for_each(lower);
                updates.iter_mut().chain(inserts).for_each(|(entity, ..)| lower(entity));
                removes.iter_mut().for_each(|(entity, _)| lower(entity));
                destroys.iter_mut().for_each(lower);
            }
            Create
            | CreateWith { .. }
            | CreateTyped { .. }
            | CreateErased { .. }
            | CreateBatch { .. }
            | CreateColumns { .. }
            | Clear
            | ChangeAll { .. }
            | ChangePrepared { .. }
            | ChangeDynamic { .. }
            | ChangeMarked { .. }
            | ChangeChanged { .. }
            | Advance
            | AdoptMadeUp { .. }
            | Reserve { .. }
            | LightFuse
            | RestoreOwn
            | RestoreEachOther
            | Save
            | Rewind
            | ChangeShard { .. }
            | TakeCut { .. }
            | GoBack { .. } => {}
        }
    }

    /// Returns the operation with one of the parts of a batch left out, for each
    /// of them.
    pub(super) fn parts_left_out(&self) -> Vec<Operation> {
        let Operation::Apply { spawns, updates, inserts, removes, destroys } = self else {
            return Vec::new();
        };
        let mut smaller = Vec::new();
        macro_rules! leave_out {
            ($($part:ident)*) => {
                $(for at in 0..$part.len() {
                    let mut copy = self.clone();
                    if let Operation::Apply { $part, .. } = &mut copy {
                        $part.remove(at);
                    }
                    smaller.push(copy);
                })*
            };
        }
        leave_out!(spawns updates inserts removes destroys);
        smaller
    }
}
