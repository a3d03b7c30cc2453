//! What the derives refuse, with errors that point at the cause.

use syn::{Attribute, Data, DeriveInput, Error};

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
