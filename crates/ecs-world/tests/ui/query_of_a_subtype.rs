//! A query keeps to the components and the filter that it was made for, also where one
//! type is another's subtype; and so does what gives a component its id.

use std::marker::PhantomData;

use ecs_core::{Component, ComponentCell, Description};
use ecs_storage_api::{Query, With};

struct Of<T>(PhantomData<fn() -> T>);

/// A subtype of [`One`].
type Every = for<'a> fn(&'a str);
type One = fn(&'static str);

impl<T: 'static> Component for Of<T> {
    fn describe() -> Description<Self> {
        Description::transient("query_of_a_subtype::Of")
    }
}

fn filter<'w>(query: Query<'w, (), With<Of<Every>>>) -> Query<'w, (), With<Of<One>>> {
    query
}

fn components<'w>(query: Query<'w, &'static Of<Every>>) -> Query<'w, &'static Of<One>> {
    query
}

fn cell(cell: ComponentCell<Of<Every>>) -> ComponentCell<Of<One>> {
    cell
}

fn description(description: Description<Of<Every>>) -> Description<Of<One>> {
    description
}

fn main() {}
