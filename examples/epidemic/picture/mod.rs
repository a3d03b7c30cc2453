//! Pictures, drawn without anything from the system.

pub mod axis;
pub mod canvas;
pub mod colour;
pub mod curve;
pub mod lettering;
pub mod map;
pub mod projection;
