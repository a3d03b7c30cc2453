//! Commands about many entities at once.
//!
//! Each moves rows in bulk if all its entities live and none is listed twice, as
//! the store checks before it begins; else they are taken one by one, and those
//! that are dead are counted.

use ecs_core::{
    Bundle, BundleBatch, BundleKind, BundleRow, BundleRows, EntityId, Invariant, RemoveAll,
};
use ecs_storage_api::{Alone, BundleError, Storage, StorageError};

use super::{CommandReport, Leniency};
use crate::schedule::Crew;

/// A command about many entities.
pub(super) trait BatchCommand: Send {
    fn apply(
        self: Box<Self>,
        storage: &mut dyn Storage,
        leniency: Leniency,
    ) -> Result<CommandReport, StorageError>;
}

/// Makes an entity for each bundle.
pub(super) struct SpawnBatch(pub(super) Box<dyn BundleBatch + Send>);

/// Gives the n-th entity the n-th bundle.
pub(super) struct InsertBatch<I> {
    pub(super) entities: Vec<EntityId>,
    pub(super) bundles: I,
}

/// Takes the components of a bundle away.
pub(super) struct RemoveBatch<B> {
    pub(super) entities: Vec<EntityId>,
    pub(super) bundle: Invariant<B>,
}

/// Takes the components of a bundle away, and gives the n-th entity the n-th one.
pub(super) struct ExchangeBatch<Lost, I> {
    pub(super) entities: Vec<EntityId>,
    pub(super) lost: Invariant<Lost>,
    pub(super) gained: I,
}

/// Ends entities.
pub(super) struct DespawnBatch(pub(super) Vec<EntityId>);

/// Tells whether a batch was refused because of its list.
fn is_refused<T>(outcome: &Result<T, StorageError>) -> bool {
    matches!(outcome, Err(StorageError::NoSuchEntity(_) | StorageError::ListedTwice { .. }))
}

/// Returns each entity with its bundle, or the error that there is none for it.
fn one_by_one<'b, B>(
    entities: &'b [EntityId],
    bundles: &'b mut (impl Iterator<Item = B> + Send),
) -> impl Iterator<Item = (EntityId, Result<B, StorageError>)> + 'b {
    entities.iter().enumerate().map(move |(n, &entity)| {
        let short = BundleError::Short { bundles: n, entities: entities.len() };
        (entity, bundles.next().ok_or_else(|| short.into()))
    })
}

impl BatchCommand for SpawnBatch {
    fn apply(
        mut self: Box<Self>,
        storage: &mut dyn Storage,
        _leniency: Leniency,
    ) -> Result<CommandReport, StorageError> {
        let mut made = Vec::new();
        storage.create_batch(&mut *self.0, &mut made)?;
        Ok(CommandReport { applied: made.len(), skipped: 0 })
    }
}

impl<I> BatchCommand for InsertBatch<I>
where
    I: Iterator + Send,
    I::Item: Bundle,
{
    fn apply(
        self: Box<Self>,
        storage: &mut dyn Storage,
        leniency: Leniency,
    ) -> Result<CommandReport, StorageError> {
        let Self { entities, mut bundles } = *self;
        // A batch that is refused has not taken a bundle.
        let outcome = storage.insert_batch(&entities, &mut BundleRows::new(&mut bundles));
        if !is_refused(&outcome) {
            outcome?;
            return Ok(CommandReport { applied: entities.len(), skipped: 0 });
        }
        let mut report = CommandReport::default();
        for (entity, bundle) in one_by_one(&entities, &mut bundles) {
            let inserted = storage.insert_with(entity, &mut BundleRow::new(bundle?));
            report.count(inserted, leniency)?;
        }
        Ok(report)
    }
}

impl<B: Bundle> BatchCommand for RemoveBatch<B> {
    fn apply(
        self: Box<Self>,
        storage: &mut dyn Storage,
        leniency: Leniency,
    ) -> Result<CommandReport, StorageError> {
        let outcome = storage.remove_batch(&self.entities, &BundleKind::of::<B>());
        if !is_refused(&outcome) {
            outcome?;
            return Ok(CommandReport { applied: self.entities.len(), skipped: 0 });
        }
        let mut report = CommandReport::default();
        for entity in self.entities {
            let removed = storage.remove_with(entity, &mut RemoveAll::<B>::default());
            report.count(removed.map(drop), leniency)?;
        }
        Ok(report)
    }
}

impl<Lost, I> BatchCommand for ExchangeBatch<Lost, I>
where
    Lost: Bundle,
    I: Iterator + Send,
    I::Item: Bundle,
{
    fn apply(
        self: Box<Self>,
        storage: &mut dyn Storage,
        leniency: Leniency,
    ) -> Result<CommandReport, StorageError> {
        let Self { entities, mut gained, .. } = *self;
        let lost = BundleKind::of::<Lost>();
        let mut rows = BundleRows::new(&mut gained);
        // A batch that is refused has not taken a bundle.
        let outcome = storage.exchange_batch(&entities, &lost, &mut rows, &Crew::here());
        if !is_refused(&outcome) {
            outcome?;
            return Ok(CommandReport { applied: entities.len(), skipped: 0 });
        }
        let mut report = CommandReport::default();
        for (entity, bundle) in one_by_one(&entities, &mut gained) {
            let mut bundle = std::iter::once(bundle?);
            let mut row = BundleRows::new(&mut bundle);
            let exchanged = storage.exchange_batch(&[entity], &lost, &mut row, &Alone);
            report.count(exchanged, leniency)?;
        }
        Ok(report)
    }
}

impl BatchCommand for DespawnBatch {
    fn apply(
        self: Box<Self>,
        storage: &mut dyn Storage,
        leniency: Leniency,
    ) -> Result<CommandReport, StorageError> {
        let outcome = storage.destroy_batch(&self.0);
        if !is_refused(&outcome) {
            outcome?;
            return Ok(CommandReport { applied: self.0.len(), skipped: 0 });
        }
        let mut report = CommandReport::default();
        for entity in self.0 {
            report.count(storage.destroy_entity(entity), leniency)?;
        }
        Ok(report)
    }
}
