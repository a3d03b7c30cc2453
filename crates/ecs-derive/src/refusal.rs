//! What the derives refuse, with errors that point at the cause.

use syn::{Attribute, Data, DeriveInput, Error, Fields};

use crate::schema::serde_keys;

/// Refuses lifetime parameters: a world outlives every borrow.
pub(crate) fn lifetimes(input: &DeriveInput, what: &str) -> Result<(), Error> {
    match input.generics.lifetimes().next() {
        Some(lifetime) => Err(Error::new_spanned(
            lifetime,
            format!("a {what} owns its data: it can't have lifetime parameters"),
        )),
        None => Ok(()),
    }
}

/// Refuses `#[key(…)]` inside the type, where it would be ignored.
pub(crate) fn inner_attributes(input: &DeriveInput, key: &str) -> Result<(), Error> {
    let misplaced = |attributes: &[Attribute]| {
        attributes.iter().find(|attribute| attribute.path().is_ident(key)).map(|attribute| {
            Error::new_spanned(attribute, format!("`#[{key}(…)]` belongs on the type itself"))
        })
    };
    let (variants, fields): (Vec<_>, Vec<_>) = match &input.data {
        Data::Struct(data) => (Vec::new(), data.fields.iter().collect()),
        Data::Enum(data) => (
            data.variants.iter().collect(),
            data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        ),
        Data::Union(data) => (Vec::new(), data.fields.named.iter().collect()),
    };
    let mut inside = (variants.iter().map(|variant| &variant.attrs))
        .chain(fields.iter().map(|field| &field.attrs));
    inside.find_map(|attributes| misplaced(attributes)).map_or(Ok(()), Err)
}

/// Refuses what serde would write in a form of which the codec of snapshots can't read it
/// again: it names neither fields nor variants, so that all fields are expected, in their
/// order, and variants by their number.
pub(crate) fn unreadable(input: &DeriveInput) -> Result<(), Error> {
    if has(&input.attrs, &["from", "try_from"]).is_some() {
        // What serde is told of the parts is told of another type.
        return Ok(());
    }
    if let Some((attribute, key)) = has(&input.attrs, &["untagged", "tag", "content"]) {
        return Err(refused(attribute, &key, "variants are told by their number"));
    }
    match &input.data {
        Data::Struct(data) => unreadable_fields(&data.fields),
        Data::Union(_) => Ok(()),
        Data::Enum(data) => {
            let mut skipped = None;
            for variant in &data.variants {
                if let Some((attribute, key)) = has(&variant.attrs, &["untagged"]) {
                    return Err(refused(attribute, &key, "variants are told by their number"));
                }
                let skips = has(&variant.attrs, &["skip", "skip_deserializing"]);
                match (skips, &skipped) {
                    (Some(skips), _) => skipped = Some(skips),
                    (None, Some((attribute, key))) => {
                        let why = "the variants behind it would be read as others";
                        return Err(refused(attribute, key, why));
                    }
                    (None, None) => unreadable_fields(&variant.fields)?,
                }
            }
            Ok(())
        }
    }
}

fn unreadable_fields(fields: &Fields) -> Result<(), Error> {
    for field in fields {
        if has(&field.attrs, &["skip"]).is_some() {
            continue;
        }
        let written = has(&field.attrs, &["skip_deserializing"]);
        let read = has(&field.attrs, &["skip_serializing"]);
        let one = match (written, read) {
            (Some(_), Some(_)) => continue,
            (one, other) => one.or(other),
        };
        let one = one.or_else(|| has(&field.attrs, &["skip_serializing_if", "flatten"]));
        if let Some((attribute, key)) = one {
            return Err(refused(attribute, &key, "each field is written and read, or neither"));
        }
    }
    Ok(())
}

/// Returns which attribute has one of some keys of serde's, and that.
fn has<'a>(attributes: &'a [Attribute], keys: &[&str]) -> Option<(&'a Attribute, String)> {
    attributes.iter().find_map(|attribute| {
        let mut all = serde_keys(std::slice::from_ref(attribute)).into_iter();
        Some((attribute, all.find(|key| keys.contains(&key.as_str()))?))
    })
}

fn refused(attribute: &Attribute, key: &str, why: &str) -> Error {
    let words = format!(
        "a saved component can't have `#[serde({key})]`: in snapshots {why}; save it through \
         another type (`#[serde(into = …, from = …)]`), or make it `transient`"
    );
    Error::new_spanned(attribute, words)
}
