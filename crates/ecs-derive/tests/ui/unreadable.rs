use ecs_derive::Component;
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
struct Sometimes {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    guest: Option<u8>,
    host: u8,
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
struct OneWay {
    host: u8,
    #[serde(default, skip_deserializing)]
    guest: u8,
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
enum Mood {
    #[serde(skip)]
    Hidden,
    Calm,
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
#[serde(untagged)]
enum Either {
    Number(u8),
    Text(String),
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
#[serde(tag = "kind")]
enum Tagged {
    One { number: u8 },
}

// All of these are read as they were written.
#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
struct Skipped {
    host: u8,
    #[serde(skip)]
    guest: u8,
    #[serde(skip_serializing, skip_deserializing)]
    other: u8,
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core)]
enum Last {
    Calm,
    #[serde(skip)]
    Hidden,
}

#[derive(Component)]
#[component(crate = ecs_core, transient)]
enum Passing {
    Never,
}

fn main() {}
