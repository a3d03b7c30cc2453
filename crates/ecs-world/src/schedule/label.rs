//! Names of systems, sets of systems, and phases.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;

/// Names systems, or a phase.
///
/// All systems with a label are the set of that name. Each function has the
/// label [`Label::of`] itself without being given it, and a system that is
/// [`named`](crate::IntoSystemConfig::named) its name as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Cow<'static, str>);

impl Label {
    /// Returns the label that a function has by itself: its path.
    ///
    /// Closures of one function share a path: give them names or labels to tell
    /// them apart.
    pub fn of<F>(_function: F) -> Self {
        Self(Cow::Borrowed(type_name::<F>()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl From<String> for Label {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
