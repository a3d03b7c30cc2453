//! The form of a component, as a snapshot records it.

use ecs_core::{ComponentId, ComponentInfo, Schema};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::error::SnapshotError;

/// The seed of fingerprints: `schm`, as the tag of a section would be.
const SEED: u64 = u32::from_le_bytes(*b"schm") as u64;

/// What must agree between the writer and the reader of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Form {
    pub(super) name: String,
    codec: String,
    /// Of plain bytes only; 0 otherwise, as serde does not show memory.
    size: u64,
    align: u64,
    /// The text of the schema; empty if nothing is known of it.
    schema: String,
    fingerprint: u64,
}

/// How closely two forms agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// As far as is known: one of them says nothing of its schema.
    Supposed,
    /// In all that is compared.
    Certain,
}

impl Form {
    pub(super) fn of(info: &ComponentInfo) -> Self {
        Self::new(info.name(), info.codec().name(), (info.size(), info.align()), info.schema())
    }

    /// Describes the form of values with a codec, and in memory a size and an
    /// alignment.
    pub(super) fn new(
        name: &str,
        codec: &str,
        (size, align): (usize, usize),
        schema: Option<&Schema>,
    ) -> Self {
        let (size, align) = if codec == "pod" { (size as u64, align as u64) } else { (0, 0) };
        let schema = schema.map(Schema::to_string).unwrap_or_default();
        let fingerprint = fingerprint(&schema);
        Self { name: name.to_owned(), codec: codec.to_owned(), size, align, schema, fingerprint }
    }

    /// Returns how many bytes are written at most.
    pub(super) fn size_hint(&self) -> usize {
        60 + self.name.len() + self.codec.len() + self.schema.len()
    }

    /// Checks what a file says of the form by itself.
    pub(super) fn check(&self) -> Result<(), SnapshotError> {
        if self.fingerprint == fingerprint(&self.schema) {
            return Ok(());
        }
        let what =
            format!("the fingerprint of component `{}` is not that of its schema", self.name);
        Err(SnapshotError::Damaged { at: 0, what })
    }

    /// Finds the component in this process.
    ///
    /// # Errors
    /// [`SnapshotError`] if it has none, or knows it in another form.
    pub(super) fn resolve(&self) -> Result<&'static ComponentInfo, SnapshotError> {
        self.check()?;
        let unknown = || SnapshotError::UnknownComponent { name: self.name.clone() };
        let info = ComponentId::named(&self.name).ok_or_else(unknown)?.info();
        let alike = Self::of(info).likeness(self).is_some();
        if alike { Ok(info) } else { Err(SnapshotError::changed(self, info)) }
    }

    /// Tells whether values of this form are values of another one. Names of types
    /// that say nothing of themselves are all that is compared of those.
    pub(super) fn likeness(&self, other: &Self) -> Option<Likeness> {
        let memory = |form: &Self| (form.size, form.align);
        if self.codec != other.codec || memory(self) != memory(other) {
            return None;
        }
        match (self.schema == other.schema, self.schema.is_empty() || other.schema.is_empty()) {
            (true, _) => Some(Likeness::Certain),
            (false, true) => Some(Likeness::Supposed),
            (false, false) => None,
        }
    }

    /// Returns the bytes from one value to the next, if values are plain bytes: 0
    /// if that is more than any reader has.
    pub(super) fn stride(&self) -> Option<usize> {
        let stride = || usize::try_from(self.size.checked_next_multiple_of(self.align)?).ok();
        (self.codec == "pod").then(|| stride().unwrap_or(0))
    }

    /// Returns the name of the codec.
    pub(super) fn codec(&self) -> &str {
        &self.codec
    }

    /// Describes the form for people.
    pub(super) fn text(&self) -> String {
        let codec = match self.codec.as_str() {
            "pod" => format!("{} plain bytes at alignment {}", self.size, self.align),
            codec => codec.to_owned(),
        };
        match self.schema.as_str() {
            "" => codec,
            schema => format!("{codec} of `{schema}`"),
        }
    }
}

fn fingerprint(schema: &str) -> u64 {
    XxHash3_64::oneshot_with_seed(SEED, schema.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(codec: &str, size: usize, schema: Option<&Schema>) -> Form {
        Form::new("form::Value", codec, (size, 4), schema)
    }

    #[test]
    fn a_schema_is_compared_where_both_have_one() {
        let (of_f32, of_u32) = (Schema::of::<[f32; 2]>(), Schema::of::<[u32; 2]>());
        let (a, b) = (form("pod", 8, Some(&of_f32)), form("pod", 8, Some(&of_u32)));
        let without = form("pod", 8, None);
        assert_eq!(a.likeness(&a), Some(Likeness::Certain));
        assert_eq!(a.likeness(&b), None);
        assert_eq!(a.likeness(&without), Some(Likeness::Supposed));
        assert_eq!(without.likeness(&a), Some(Likeness::Supposed));
        assert_eq!(without.likeness(&without), Some(Likeness::Certain));
        assert_eq!(without.likeness(&form("pod", 12, None)), None);
        assert_eq!(form("postcard", 8, None).likeness(&form("postcard", 9, None)), a.likeness(&a));
    }

    #[test]
    fn a_name_is_all_that_is_compared_of_what_is_opaque() {
        let opaque = |name: &str| form("postcard", 0, Some(&Schema::Opaque(name.to_owned())));
        assert_eq!(opaque("Vec3").likeness(&opaque("Vec3")), Some(Likeness::Certain));
        assert_eq!(opaque("Vec3").likeness(&opaque("glam::Vec3")), None);
    }

    #[test]
    fn a_form_is_described_with_all_that_is_compared() {
        let schema = Schema::of::<(u8, Option<String>)>();
        assert_eq!(form("postcard", 8, Some(&schema)).text(), "postcard of `(u8, option<string>)`");
        assert_eq!(form("pod", 8, None).text(), "8 plain bytes at alignment 4");
    }

    #[test]
    fn a_fingerprint_that_lies_is_damage() {
        let mut lying = form("postcard", 0, Some(&Schema::Bool));
        lying.check().unwrap();
        lying.schema = "u8".to_owned();
        assert!(matches!(lying.check(), Err(SnapshotError::Damaged { .. })));
    }

    #[test]
    fn a_size_that_lies_is_no_distance() {
        let lying = |size, align| Form { size, align, ..form("pod", 8, None) };
        assert_eq!(lying(5, 4).stride(), Some(8));
        assert_eq!(lying(5, 0).stride(), Some(0));
        assert_eq!(lying(u64::MAX, 4).stride(), Some(0));
        assert_eq!(form("postcard", 8, None).stride(), None);
    }
}
