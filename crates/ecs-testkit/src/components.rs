//! The components that the kit works with.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use bytemuck::{Pod, Zeroable};
use ecs_core::{Component, ComponentCell, ComponentId, Description, DynamicComponent};
use serde::{Deserialize, Serialize};

/// Says of a component that storages remember when its values changed.
const TRACKED: bool = true;

/// Writes what the derive would write.
macro_rules! component {
    ($type:ident: $constructor:ident $name:literal $(. $ability:ident)* $(, $track:ident)?) => {
        impl Component for $type {
            $(const TRACK: bool = $track;)?

            fn describe() -> Description<Self> {
                Description::$constructor($name)$(.$ability())*
            }

            fn cell() -> Option<&'static ComponentCell<Self>> {
                static CELL: ComponentCell<$type> = ComponentCell::new();
                Some(&CELL)
            }
        }
    };
}

/// Plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Position(pub i32, pub i32);
component!(Position: pod "testkit::Position".cloneable.printable);

/// Plain bytes of the same size as [`Position`], tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Velocity(pub i32, pub i32);
component!(Velocity: pod "testkit::Velocity".cloneable.printable, TRACKED);

/// Owns memory, and is tracked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name(pub String);
component!(Name: persistent "testkit::Name".cloneable.printable, TRACKED);

/// Has no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker;
component!(Marker: persistent "testkit::Marker".cloneable.printable);

/// Has no data, and a large alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(align(128))]
pub struct AlignedMarker;
component!(AlignedMarker: persistent "testkit::AlignedMarker".printable);

/// Has a large alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Aligned(pub u8);
component!(Aligned: persistent "testkit::Aligned".printable);

/// Takes a lot of memory, so that few of it are a long chunk.
#[derive(Debug, Clone, Copy)]
pub struct Wide(pub [u32; 4_096]);
component!(Wide: transient "testkit::Wide");

/// Is never persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected(pub u8);
component!(Selected: transient "testkit::Selected".printable);

/// A family of components, without a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag<T>(pub T);

impl<T: Serialize + serde::de::DeserializeOwned + Send + Sync + 'static> Component for Tag<T> {
    fn describe() -> Description<Self> {
        Description::persistent(format!("testkit::Tag<{}>", std::any::type_name::<T>()))
    }
}

/// Has no Rust type: five bytes at an alignment of four.
pub fn odd() -> ComponentId {
    registered(DynamicComponent::new("testkit::odd", 5, 4))
}

/// Has no Rust type: three bytes at an alignment of 32.
pub fn wide() -> ComponentId {
    registered(DynamicComponent::new("testkit::wide", 3, 32))
}

/// Has no Rust type and no data.
pub fn none() -> ComponentId {
    registered(DynamicComponent::new("testkit::none", 0, 1))
}

fn registered(component: DynamicComponent) -> ComponentId {
    component.register().expect("the name is the kit's own")
}

/// Counts values that live.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<AtomicI64>);

impl Ledger {
    /// Makes a value that is counted.
    pub fn counted(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    /// Makes a value that is counted, and panics when it is dropped while the
    /// fuse burns.
    pub fn bomb(&self, fuse: &Fuse) -> Bomb {
        Bomb { fuse: fuse.clone(), counted: self.counted() }
    }

    /// Returns how many values live; negative if one was dropped twice.
    pub fn alive(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value whose drop is counted.
#[derive(Debug)]
pub struct Counted(Ledger);
component!(Counted: transient "testkit::Counted");

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Says how many bombs go off.
#[derive(Debug, Clone, Default)]
pub struct Fuse(Arc<AtomicU32>);

impl Fuse {
    /// Lets the next bomb that is dropped go off.
    pub fn light(&self) {
        self.light_for(1);
    }

    /// Lets so many of the next bombs go off.
    pub fn light_for(&self, bombs: u32) {
        self.0.store(bombs, Ordering::Relaxed);
    }

    /// Lets none go off.
    pub fn put_out(&self) {
        self.light_for(0);
    }

    /// Returns how many are still to go off.
    pub fn left(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one that goes off, if one is to.
    fn burn(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

/// A counted value that throws something as it is dropped, which throws again when
/// it is dropped itself.
#[derive(Debug)]
pub struct Grenade(pub Counted);
component!(Grenade: transient "testkit::Grenade");

/// What a [`Grenade`] throws. Whoever catches it in the end forgets it.
#[derive(Debug)]
pub struct Splinter;

impl Drop for Grenade {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            resume_unwind(Box::new(Splinter));
        }
    }
}

impl Drop for Splinter {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            resume_unwind(Box::new("a splinter"));
        }
    }
}

/// A value that panics as it is cloned, while clones panic on this thread.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragile(pub u8);
component!(Fragile: persistent "testkit::Fragile".cloneable.printable);

thread_local! {
    static CLONES_PANIC: Cell<bool> = const { Cell::new(false) };
}

impl Fragile {
    /// Says whether clones panic on this thread.
    pub fn let_clones_panic(panic: bool) {
        CLONES_PANIC.set(panic);
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if CLONES_PANIC.get() {
            resume_unwind(Box::new("a value breaks"));
        }
        Self(self.0)
    }
}

/// What a [`Bomb`] throws: it takes no memory, so that who forgets it leaks none.
#[derive(Debug)]
pub struct Blast;

/// A counted value that panics as it is dropped, once its fuse is lit.
#[derive(Debug)]
pub struct Bomb {
    fuse: Fuse,
    #[expect(dead_code, reason = "it is there to be dropped")]
    counted: Counted,
}
component!(Bomb: transient "testkit::Bomb");

/// Another component that panics as a [`Bomb`] does, so that one row has two.
#[derive(Debug)]
pub struct Twin(pub Bomb);
component!(Twin: transient "testkit::Twin");

impl Drop for Bomb {
    fn drop(&mut self) {
        // A second panic on the way of a first one would end the process. The
        // panic makes no noise: random sequences have thousands of them.
        if !std::thread::panicking() && self.fuse.burn() {
            resume_unwind(Box::new(Blast));
        }
    }
}
