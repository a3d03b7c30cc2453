//! The form of a component, as a snapshot records it.

use ecs_core::{ComponentId, ComponentInfo};
use serde::{Deserialize, Serialize};

use super::error::SnapshotError;

/// What must agree between the writer and the reader of a column.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schema {
    name: String,
    codec: String,
    /// Of plain bytes only; 0 otherwise, as serde does not show memory.
    size: u64,
    align: u64,
}

impl Schema {
    pub(super) fn of(info: &ComponentInfo) -> Self {
        let (size, align) =
            if info.is_pod() { (info.size() as u64, info.align() as u64) } else { (0, 0) };
        Self { name: info.name().to_owned(), codec: info.codec().name().to_owned(), size, align }
    }

    /// Finds the component in this process.
    pub(super) fn resolve(&self) -> Result<&'static ComponentInfo, SnapshotError> {
        let unknown = || SnapshotError::UnknownComponent { name: self.name.clone() };
        let info = ComponentId::named(&self.name).ok_or_else(unknown)?.info();
        let known = Self::of(info);
        if known != *self {
            let (written, known) = (self.form(), known.form());
            return Err(SnapshotError::Schema { name: self.name.clone(), written, known });
        }
        Ok(info)
    }

    fn form(&self) -> String {
        match self.codec.as_str() {
            "pod" => format!("{} plain bytes at alignment {}", self.size, self.align),
            codec => codec.to_owned(),
        }
    }
}
