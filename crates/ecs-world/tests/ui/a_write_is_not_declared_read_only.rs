//! Whoever declared that `&mut Hp` only reads would get two of them to one value.

use ecs_core::{Component, Description};
use ecs_storage_api::ReadOnlyQueryData;

struct Hp;

impl Component for Hp {
    fn describe() -> Description<Self> {
        Description::transient("ui::Hp")
    }
}

impl ReadOnlyQueryData for &mut Hp {}

fn main() {}
