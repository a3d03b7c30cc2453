//! A filter could say one thing when it is matched and another at look-ups by
//! id, so nobody else writes one.
use ecs_storage_api::Filter;

struct Mine;
impl Filter for Mine {}

fn main() {}
