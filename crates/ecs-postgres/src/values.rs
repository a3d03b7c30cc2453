//! Values on their way into cells of PostgreSQL and back.
//!
//! A component's schema says of which columns its table consists ([`kind`]). A value
//! is read part by part from memory or from what its codec wrote ([`source`]), in the
//! binary form of the column's type ([`cell`]); what is nested more deeply than an
//! array becomes JSON ([`json`]). On the way back a [`target`] is filled, in the very
//! form that a snapshot would hold. Nothing is lost: floats keep their bits, and
//! what PostgreSQL can't hold (a zero byte in text) is an error.

mod cell;
mod json;
mod kind;
mod layout;
mod number;
mod numeric;
mod source;
mod target;

pub(crate) use layout::{Column, Gathered, Layout};

/// What a value can't be stored as or read from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit(pub(crate) String);

impl From<postcard::Error> for Unfit {
    fn from(error: postcard::Error) -> Self {
        Self(error.to_string())
    }
}

/// Refuses text that PostgreSQL can't hold.
fn without_zero(text: &str) -> Result<&str, Unfit> {
    match text.contains('\0') {
        true => Err(Unfit("it holds a zero character, which PostgreSQL can't".to_owned())),
        false => Ok(text),
    }
}
