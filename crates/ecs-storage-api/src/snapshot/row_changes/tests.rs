use std::sync::Arc;

use ecs_core::{
    CodecError, ComponentId, DynamicComponent, EntityAllocator, EntityId, ErasedValue, ErasedVec,
};

use super::RowChanges;
use crate::changes::Version;
use crate::snapshot::cut::{CutTable, Encoded, Hashed, IdPage, Paged, ValuePage, Versions};
use crate::snapshot::{StorageCut, StorageImage};
use crate::{ChunkError, OwnedChunk};

fn level() -> ComponentId {
    DynamicComponent::new("row_changes::tests::Level", 1, 1).register().unwrap()
}

fn ids(count: usize) -> Vec<EntityId> {
    EntityAllocator::new(0).allocate_many(count)
}

/// A chunk of entities with a level each.
fn chunk(rows: &[(EntityId, u8)]) -> Result<OwnedChunk, ChunkError> {
    let mut levels = ErasedVec::new(level().info());
    for (_, value) in rows {
        levels.push(ErasedValue::from_bytes(level(), &[*value]).unwrap()).unwrap();
    }
    OwnedChunk::new(rows.iter().map(|(id, _)| *id).collect(), vec![levels])
}

/// A cut with a table for each chunk, as that of a store whose chunks are no tables.
fn cut(count: usize, chunks: &[&[(EntityId, u8)]]) -> StorageCut {
    let mut allocator = EntityAllocator::new(0);
    let all = allocator.allocate_many(count);
    let there: Vec<_> = chunks.iter().flat_map(|rows| rows.iter().map(|(id, _)| *id)).collect();
    let dead: Vec<_> = all.into_iter().filter(|id| !there.contains(id)).collect();
    allocator.deallocate_many(&dead).unwrap();
    let chunks = chunks.iter().map(|rows| chunk(rows).unwrap()).collect();
    StorageCut::of_image(&StorageImage::new(allocator.state(), chunks).unwrap()).unwrap()
}

/// The entities that were born, died, and got other values.
fn shown(changes: &RowChanges) -> [Vec<EntityId>; 3] {
    assert!(changes.inserted.is_empty() && changes.removed.is_empty());
    let of = |chunks: &[OwnedChunk]| chunks.iter().flat_map(|it| it.ids().to_vec()).collect();
    [of(&changes.born), changes.died.clone(), of(&changes.updated)]
}

#[test]
fn entities_change_places_between_tables_of_the_same_components() {
    let id = ids(6);
    let before = cut(6, &[&[(id[0], 0), (id[1], 1)], &[(id[2], 2)], &[(id[3], 3), (id[4], 4)]]);
    for after in [
        cut(6, &[&[(id[2], 2), (id[1], 1)], &[(id[3], 3)], &[(id[0], 0), (id[4], 4)]]),
        cut(6, &[&[(id[4], 4), (id[3], 3), (id[2], 2), (id[1], 1), (id[0], 0)]]),
        cut(6, &[&[(id[4], 4)], &[(id[3], 3)], &[(id[2], 2)], &[(id[1], 1)], &[(id[0], 0)]]),
    ] {
        assert!(after.rows_since(&before).unwrap().is_empty());
        assert!(before.rows_since(&after).unwrap().is_empty());
    }
    let after = cut(6, &[&[(id[5], 1), (id[1], 9)], &[(id[3], 3), (id[2], 8)], &[(id[4], 4)]]);
    let changes = after.rows_since(&before).unwrap();
    assert_eq!(shown(&changes), [vec![id[5]], vec![id[0]], vec![id[1], id[2]]]);
    assert_eq!((changes.born.len(), changes.updated.len(), changes.len()), (1, 1, 4));
    let values = changes.updated[0].column(level()).unwrap();
    assert_eq!(values.as_bytes().unwrap(), [9, 8]);
}

#[test]
fn a_table_that_grows_over_a_page_and_shrinks_again_tells_of_its_last_rows() {
    let id = ids(3000);
    let rows: Vec<_> = id.iter().map(|id| (*id, id.index() as u8)).collect();
    let (few, many) = (cut(3000, &[&rows[..1000]]), cut(3000, &[&rows]));
    let grown = many.rows_since(&few).unwrap();
    assert_eq!(shown(&grown), [id[1000..].to_vec(), vec![], vec![]]);
    let levels = grown.born[0].column(level()).unwrap();
    assert!(levels.as_bytes().unwrap().iter().eq(rows[1000..].iter().map(|(_, level)| level)));
    assert_eq!(shown(&few.rows_since(&many).unwrap()), [vec![], id[1000..].to_vec(), vec![]]);
}

#[test]
fn nothing_and_everything_are_states_too() {
    let id = ids(3);
    let all = cut(3, &[&[(id[2], 2), (id[0], 0), (id[1], 1)]]);
    let nothing = cut(3, &[]);
    assert_eq!(shown(&all.rows_since(&nothing).unwrap()), [id.clone(), vec![], vec![]]);
    assert_eq!(shown(&nothing.rows_since(&all).unwrap()), [vec![], id, vec![]]);
    assert!(nothing.rows_since(&nothing).unwrap().is_empty());
}

#[test]
fn a_page_that_ends_early_is_an_error() {
    let id = ids(2);
    let before = cut(2, &[&[(id[0], 0), (id[1], 1)]]);
    let page = |ids: &[EntityId]| {
        let ids = Arc::new(Hashed::new(ids));
        Paged::new(vec![Arc::new(IdPage { ids, moves: Versions::default() })])
    };
    let values = Arc::new(Encoded::new(vec![0]));
    let values = ValuePage { values, versions: Versions::default(), ticks: None };
    for ids in [[id[0], id[1]], [id[1], id[0]]] {
        let columns = vec![Paged::new(vec![Arc::new(values.clone())])];
        let table = CutTable::new(vec![level()], 2, page(&ids), columns);
        let allocator = before.allocator().clone();
        let short = StorageCut::new(Version::ZERO, allocator, vec![], vec![Arc::new(table)]);
        let error = short.rows_since(&before).unwrap_err();
        assert!(matches!(error, CodecError::Decode { .. }), "{error}");
    }
}
