//! Values whose type is known only at run time: one, a run, an owned array.
//!
//! This is one of the rooms for unsafe code. Its invariant: a pointer that is
//! stored beside an `info` addresses values of exactly the component that
//! `info` describes, at its alignment, `info.layout().size()` bytes apart.
#![expect(unsafe_code, reason = "room: values whose type is known only at run time")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, needs_drop};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};

use crate::codec::{Codec, CodecError};
use crate::component::{Component, ComponentId};
use crate::info::ComponentInfo;

/// Drops a run of values in place: pointer to the first, and how many.
pub type DropFn = unsafe fn(*mut u8, usize);

pub(crate) fn drop_fn<C: Component>() -> Option<DropFn> {
    /// # Safety
    /// `first` addresses `count` valid values of `C`, which are dead afterwards.
    unsafe fn drop_run<C>(first: *mut u8, count: usize) {
        let first = first.cast::<C>();
        if count == 1 {
            // SAFETY: the caller's promise.
            return unsafe { first.drop_in_place() };
        }
        let (mut dropped, mut panic) = (0, None);
        while dropped < count {
            // One by one, so that a second panic is one as well, and no abort.
            let rest = AssertUnwindSafe(|| {
                while dropped < count {
                    dropped += 1;
                    // SAFETY: the caller's promise; none is dropped twice, since each is
                    // counted before.
                    unsafe { first.add(dropped - 1).drop_in_place() }
                }
            });
            match catch_unwind(rest) {
                Ok(()) => {}
                Err(one) if panic.is_none() => panic = Some(one),
                // It may panic again when it is dropped.
                Err(later) => std::mem::forget(later),
            }
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
    needs_drop::<C>().then_some(drop_run::<C> as DropFn)
}

/// Drops `count` values at `first`.
///
/// # Safety
/// They are valid values of `info`'s component, which nobody uses afterwards.
pub(crate) unsafe fn drop_values(info: &ComponentInfo, first: NonNull<u8>, count: usize) {
    if let Some(drop) = info.drop {
        // SAFETY: the caller's promise is the drop glue's duty.
        unsafe { drop(first.as_ptr(), count) }
    }
}

/// Returns a well aligned address for values that take no memory.
fn dangling(info: &ComponentInfo) -> NonNull<u8> {
    NonNull::without_provenance(info.layout().align().try_into().expect("an alignment is not zero"))
}

pub(crate) fn is<C: Component>(info: &ComponentInfo) -> bool {
    info.type_id == Some(TypeId::of::<C>())
}

/// A borrowed run of values of one component.
#[derive(Clone, Copy)]
pub struct ErasedSlice<'a> {
    info: &'static ComponentInfo,
    first: NonNull<u8>,
    len: usize,
    values: PhantomData<&'a [u8]>,
}

/// A mutably borrowed run of values of one component.
pub struct ErasedSliceMut<'a> {
    info: &'static ComponentInfo,
    first: NonNull<u8>,
    len: usize,
    values: PhantomData<&'a mut [u8]>,
}

// SAFETY: they stand for `&[C]` and `&mut [C]`, and every component is
// `Send + Sync` (a supertrait of `Component`; run-time components are bytes).
unsafe impl Send for ErasedSlice<'_> {}
// SAFETY: as above.
unsafe impl Sync for ErasedSlice<'_> {}
// SAFETY: as above.
unsafe impl Send for ErasedSliceMut<'_> {}
// SAFETY: as above.
unsafe impl Sync for ErasedSliceMut<'_> {}

impl<'a> ErasedSlice<'a> {
    /// Forgets the type of a slice.
    pub fn new<C: Component>(values: &'a [C]) -> Self {
        let info = ComponentId::of::<C>().info();
        Self { info, first: NonNull::from(values).cast(), len: values.len(), values: PhantomData }
    }

    /// Borrows `len` values at `first`.
    ///
    /// # Safety
    /// - `first` addresses `len` valid values of `info`'s component, in one
    ///   array, for as long as `'a`.
    /// - Nobody writes to them during `'a`.
    #[inline]
    pub unsafe fn from_raw(info: &'static ComponentInfo, first: NonNull<u8>, len: usize) -> Self {
        Self { info, first, len, values: PhantomData }
    }

    /// Returns the component the values belong to.
    #[inline]
    pub fn info(&self) -> &'static ComponentInfo {
        self.info
    }

    /// Returns the component's id.
    #[inline]
    pub fn id(&self) -> ComponentId {
        self.info.id
    }

    /// Returns how many values there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the address of the first value.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.first
    }

    /// Returns the values as a slice of `C`, or `None` if they are of another
    /// component.
    #[inline]
    pub fn downcast<C: Component>(&self) -> Option<&'a [C]> {
        // SAFETY: the invariant of the room gives address, alignment and count
        // of values of `C`, since `info` is that of `C`; `'a` is the borrow.
        is::<C>(self.info)
            .then(|| unsafe { std::slice::from_raw_parts(self.first.cast().as_ptr(), self.len) })
    }

    /// Returns one value, or `None` past the end.
    pub fn get(&self, row: usize) -> Option<ErasedRef<'a>> {
        self.range(row, 1).map(ErasedRef)
    }

    /// Returns the values from `start` on, `len` of them, or `None` if the run
    /// ends before.
    pub fn range(&self, start: usize, len: usize) -> Option<Self> {
        let end = start.checked_add(len)?;
        (end <= self.len).then(|| {
            // SAFETY: `start <= self.len`, so the offset stays in the array.
            let first = unsafe { self.first.add(start * self.info.stride()) };
            Self { first, len, ..*self }
        })
    }

    /// Returns the values as memory, or `None` if the component is not plain
    /// bytes.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        // SAFETY: pod values have no padding (`Pod`), and run-time components
        // have theirs written as zeros, so every byte is initialised.
        self.info.is_pod().then(|| unsafe {
            std::slice::from_raw_parts(self.first.as_ptr(), self.len * self.info.stride())
        })
    }

    /// Copies the values, or returns `None` if the component can't be cloned.
    pub fn try_clone(&self) -> Option<ErasedVec> {
        match (self.as_bytes(), self.info.clone) {
            (Some(bytes), _) => Some(ErasedVec::copy_of(self.info, bytes, self.len)),
            (None, Some(clone)) => Some(clone(*self)),
            (None, None) => None,
        }
    }

    /// Appends the values' persistent form to `out`.
    ///
    /// # Errors
    /// [`CodecError`] if the component is transient or refuses to be encoded; then `out` is
    /// as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match &self.info.codec {
            Codec::Transient => {
                Err(CodecError::Transient { component: self.info.name().to_owned() })
            }
            Codec::Pod => {
                out.extend_from_slice(
                    self.as_bytes().expect("the codec says that the values are bytes"),
                );
                Ok(())
            }
            Codec::Serde(codec) => codec.encode(*self, out),
        }
    }
}

impl<'a> ErasedSliceMut<'a> {
    /// Forgets the type of a slice.
    pub fn new<C: Component>(values: &'a mut [C]) -> Self {
        let info = ComponentId::of::<C>().info();
        let len = values.len();
        Self { info, first: NonNull::from(values).cast(), len, values: PhantomData }
    }

    /// Borrows `len` values at `first` mutably.
    ///
    /// # Safety
    /// - `first` addresses `len` valid values of `info`'s component, in one
    ///   array, for as long as `'a`.
    /// - Nobody else reads or writes them during `'a`.
    #[inline]
    pub unsafe fn from_raw(info: &'static ComponentInfo, first: NonNull<u8>, len: usize) -> Self {
        Self { info, first, len, values: PhantomData }
    }

    /// Returns the component the values belong to.
    #[inline]
    pub fn info(&self) -> &'static ComponentInfo {
        self.info
    }

    /// Returns the component's id.
    #[inline]
    pub fn id(&self) -> ComponentId {
        self.info.id
    }

    /// Returns how many values there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the address of the first value.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.first
    }

    /// Borrows the values for reading.
    pub fn as_slice(&self) -> ErasedSlice<'_> {
        ErasedSlice { info: self.info, first: self.first, len: self.len, values: PhantomData }
    }

    /// Turns the mutable borrow into a shared one.
    pub fn into_slice(self) -> ErasedSlice<'a> {
        ErasedSlice { info: self.info, first: self.first, len: self.len, values: PhantomData }
    }

    /// Borrows the values mutably for a shorter time.
    pub fn reborrow(&mut self) -> ErasedSliceMut<'_> {
        ErasedSliceMut { info: self.info, first: self.first, len: self.len, values: PhantomData }
    }

    /// Returns the values as a mutable slice of `C`, or `None` if they are of
    /// another component.
    #[inline]
    pub fn downcast<C: Component>(self) -> Option<&'a mut [C]> {
        // SAFETY: as in `ErasedSlice::downcast`; `self` is consumed, so the
        // exclusive borrow of `'a` passes to the slice.
        is::<C>(self.info).then(|| unsafe {
            std::slice::from_raw_parts_mut(self.first.cast().as_ptr(), self.len)
        })
    }

    /// Returns the values as memory that may be written, or `None` if the
    /// component is not plain bytes.
    ///
    /// The bytes between the size and the stride of a run-time component are zero;
    /// whoever writes leaves them so, since values are compared, hashed and saved with
    /// them.
    pub fn into_bytes(self) -> Option<&'a mut [u8]> {
        // SAFETY: as in `ErasedSlice::as_bytes`; any bytes written are a valid
        // value, since pod components accept every pattern.
        self.info.is_pod().then(|| unsafe {
            std::slice::from_raw_parts_mut(self.first.as_ptr(), self.len * self.info.stride())
        })
    }

    /// Returns one value, or `None` past the end.
    pub fn into_get(self, row: usize) -> Option<ErasedMut<'a>> {
        (row < self.len).then(|| {
            // SAFETY: `row < len`, so the offset stays in the array.
            let first = unsafe { self.first.add(row * self.info.stride()) };
            ErasedMut(ErasedSliceMut { first, len: 1, ..self })
        })
    }
}

/// A borrowed value of some component.
#[derive(Clone, Copy)]
pub struct ErasedRef<'a>(ErasedSlice<'a>);

/// A mutably borrowed value of some component.
pub struct ErasedMut<'a>(ErasedSliceMut<'a>);

impl<'a> ErasedRef<'a> {
    /// Forgets the type of a reference.
    pub fn new<C: Component>(value: &'a C) -> Self {
        Self(ErasedSlice::new(std::slice::from_ref(value)))
    }

    /// Returns the component the value belongs to.
    pub fn info(&self) -> &'static ComponentInfo {
        self.0.info
    }

    /// Returns the component's id.
    pub fn id(&self) -> ComponentId {
        self.0.info.id
    }

    /// Returns the value as a `C`, or `None` if it is of another component.
    #[inline]
    pub fn downcast<C: Component>(&self) -> Option<&'a C> {
        self.0.downcast().map(|values| &values[0])
    }

    /// Returns the value as a run of one.
    pub fn as_slice(&self) -> ErasedSlice<'a> {
        self.0
    }

    /// Copies the value, or returns `None` if the component can't be cloned.
    pub fn try_clone(&self) -> Option<ErasedValue> {
        self.0.try_clone()?.pop()
    }
}

impl<'a> ErasedMut<'a> {
    /// Forgets the type of a reference.
    pub fn new<C: Component>(value: &'a mut C) -> Self {
        Self(ErasedSliceMut::new(std::slice::from_mut(value)))
    }

    /// Returns the component the value belongs to.
    pub fn info(&self) -> &'static ComponentInfo {
        self.0.info
    }

    /// Returns the component's id.
    pub fn id(&self) -> ComponentId {
        self.0.info.id
    }

    /// Returns the value as a `C`, or `None` if it is of another component.
    #[inline]
    pub fn downcast<C: Component>(self) -> Option<&'a mut C> {
        self.0.downcast().map(|values| &mut values[0])
    }

    /// Returns the value as a mutable run of one.
    pub fn into_slice(self) -> ErasedSliceMut<'a> {
        self.0
    }

    /// Puts `value` in this place and returns what was there.
    ///
    /// # Errors
    /// Gives `value` back if it is of another component.
    pub fn replace(&mut self, value: ErasedValue) -> Result<ErasedValue, ErasedValue> {
        if value.id() != self.id() {
            return Err(value);
        }
        // SAFETY: both address one valid value of the same component; the value
        // owns its memory, so the two places do not overlap.
        unsafe {
            ptr::swap_nonoverlapping(
                self.0.first.as_ptr(),
                value.0.first.as_ptr(),
                self.info().stride(),
            )
        }
        Ok(value)
    }
}

impl fmt::Debug for ErasedSlice<'_> {
    /// Writes the values through their own `Debug`, or their persistent bytes
    /// in hexadecimal where they have none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(print) = self.info.debug {
            return print(*self, f);
        }
        let mut bytes = Vec::new();
        match self.encode(&mut bytes) {
            Ok(()) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Err(_) => f.write_str("(opaque)"),
        }
    }
}

impl fmt::Debug for ErasedSliceMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl fmt::Debug for ErasedRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ErasedMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An owned, growing array of values of one component.
pub struct ErasedVec {
    info: &'static ComponentInfo,
    first: NonNull<u8>,
    len: usize,
    /// Values that fit; meaningless (0) where they take no memory.
    capacity: usize,
}

// SAFETY: it owns its values, and every component is `Send + Sync`.
unsafe impl Send for ErasedVec {}
// SAFETY: as above.
unsafe impl Sync for ErasedVec {}

impl ErasedVec {
    /// Creates an empty array for values of `info`'s component.
    pub fn new(info: &'static ComponentInfo) -> Self {
        Self { info, first: dangling(info), len: 0, capacity: 0 }
    }

    /// Takes over a vector without copying it.
    pub fn from_vec<C: Component>(values: Vec<C>) -> Self {
        let mut values = ManuallyDrop::new(values);
        let first =
            NonNull::new(values.as_mut_ptr()).expect("a vector's pointer is not null").cast();
        let capacity = if size_of::<C>() == 0 { 0 } else { values.capacity() };
        // The memory was allocated as `[C; capacity]`, which is what `array_layout` says.
        Self { info: ComponentId::of::<C>().info(), first, len: values.len(), capacity }
    }

    /// Turns the array into a vector without copying it.
    ///
    /// # Errors
    /// Gives the array back if it holds another component.
    pub fn into_vec<C: Component>(self) -> Result<Vec<C>, Self> {
        if !is::<C>(self.info) {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        let capacity = if size_of::<C>() == 0 { usize::MAX } else { this.capacity };
        // SAFETY: `first` is dangling and well aligned for capacity 0, or comes
        // from the global allocator with the layout of `[C; capacity]`; `len`
        // values are valid; `this` does not drop them.
        Ok(unsafe { Vec::from_raw_parts(this.first.cast().as_ptr(), this.len, capacity) })
    }

    /// Copies `len` values that lie in `bytes`, padding included.
    fn copy_of(info: &'static ComponentInfo, bytes: &[u8], len: usize) -> Self {
        assert!(bytes.len() == len * info.stride(), "bytes of {len} pod values");
        let mut copy = Self::new(info);
        copy.reserve(len);
        copy.extend_from_bytes(bytes);
        // Values that take no memory are as many as one says.
        copy.len = len;
        copy
    }

    /// Appends values of a component that is plain bytes, as they lie in memory,
    /// padding included; none if they take no memory.
    ///
    /// # Panics
    /// If the component is not plain bytes, or the last value is cut off.
    pub fn extend_from_bytes(&mut self, bytes: &[u8]) {
        let len = bytes.len().checked_div(self.info.stride()).unwrap_or(0);
        assert!(
            self.info.is_pod() && bytes.len() == len * self.info.stride(),
            "bytes of whole values of a component that is plain bytes"
        );
        self.reserve(len);
        // SAFETY: `reserve` made room for `len` values behind the last, `bytes`
        // has as many bytes, every pattern is valid for pod components, and what
        // is borrowed elsewhere does not overlap memory that this owns.
        unsafe {
            let end = self.first.add(self.len * self.info.stride());
            ptr::copy_nonoverlapping(bytes.as_ptr(), end.as_ptr(), bytes.len());
        }
        self.len += len;
    }

    /// Appends the values of another array.
    ///
    /// # Panics
    /// If it holds another component.
    pub fn append(&mut self, mut other: Self) {
        assert!(other.id() == self.id(), "values of one component");
        self.reserve(other.len);
        // SAFETY: `reserve` made room for as many values behind the last as the other
        // array holds, which is memory of its own; they become ours, since it counts
        // none of them any more.
        unsafe {
            let end = self.first.add(self.len * self.info.stride());
            let bytes = other.len * self.info.stride();
            ptr::copy_nonoverlapping(other.first.as_ptr(), end.as_ptr(), bytes);
        }
        self.len += std::mem::take(&mut other.len);
    }

    /// Reads `count` values in their persistent form from the front of `bytes`.
    ///
    /// Memory stays within a small multiple of the bytes given, whatever
    /// `count` says.
    ///
    /// # Errors
    /// [`CodecError`] if the component is transient, or the bytes end early or
    /// are no values of it.
    pub fn decode(
        info: &'static ComponentInfo,
        bytes: &mut &[u8],
        count: usize,
    ) -> Result<Self, CodecError> {
        let component = || info.name().to_owned();
        match &info.codec {
            Codec::Transient => Err(CodecError::Transient { component: component() }),
            Codec::Serde(codec) => codec.decode(bytes, count),
            Codec::Pod => {
                let taken =
                    count.checked_mul(info.stride()).and_then(|size| bytes.split_at_checked(size));
                let (values, rest) = taken.ok_or_else(|| CodecError::Decode {
                    component: component(),
                    row: bytes.len() / info.stride().max(1),
                    reason: format!("{count} values of {} bytes end early", info.stride()),
                })?;
                *bytes = rest;
                Ok(Self::copy_of(info, values, count))
            }
        }
    }

    /// Returns the component the values belong to.
    pub fn info(&self) -> &'static ComponentInfo {
        self.info
    }

    /// Returns the component's id.
    pub fn id(&self) -> ComponentId {
        self.info.id
    }

    /// Returns how many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Borrows the values.
    pub fn as_slice(&self) -> ErasedSlice<'_> {
        ErasedSlice { info: self.info, first: self.first, len: self.len, values: PhantomData }
    }

    /// Borrows the values mutably.
    pub fn as_mut_slice(&mut self) -> ErasedSliceMut<'_> {
        ErasedSliceMut { info: self.info, first: self.first, len: self.len, values: PhantomData }
    }

    /// Makes room for `additional` more values.
    ///
    /// # Panics
    /// If the array would be larger than `isize::MAX` bytes.
    pub fn reserve(&mut self, additional: usize) {
        let needed = self.len.checked_add(additional).expect("capacity overflow");
        if self.info.stride() == 0 || needed <= self.capacity {
            return;
        }
        let capacity = needed.max(self.capacity.saturating_mul(2));
        let new = array_layout(self.info, capacity);
        let grown = if self.capacity == 0 {
            // SAFETY: the size is not zero, since the stride is not.
            unsafe { alloc(new) }
        } else {
            // SAFETY: `first` was allocated with this very layout (here or by
            // the vector it was taken from), and `array_layout` checked the size.
            unsafe {
                realloc(self.first.as_ptr(), array_layout(self.info, self.capacity), new.size())
            }
        };
        self.first = NonNull::new(grown).unwrap_or_else(|| handle_alloc_error(new));
        self.capacity = capacity;
    }

    /// Appends a value.
    ///
    /// # Errors
    /// Gives the value back if it is of another component.
    pub fn push(&mut self, value: ErasedValue) -> Result<(), ErasedValue> {
        if value.id() != self.id() {
            return Err(value);
        }
        self.reserve(1);
        // SAFETY: there is room for one more value behind the last; it becomes
        // ours, since `write_to` consumes it.
        unsafe { value.write_to(self.first.add(self.len * self.info.stride()).as_ptr()) }
        self.len += 1;
        Ok(())
    }

    /// Takes the last value out.
    pub fn pop(&mut self) -> Option<ErasedValue> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: the value behind the new end is valid, and no longer counted.
        Some(unsafe {
            ErasedValue::read_from(self.info, self.first.add(self.len * self.info.stride()))
        })
    }

    /// Gives up the memory with its values: its address, how many values lie
    /// there, and how many fit (0 if they take no memory).
    ///
    /// Whoever takes it ends the values, and gives the memory back to the global
    /// allocator as an array of as many as fit.
    pub fn into_raw_parts(self) -> (NonNull<u8>, usize, usize) {
        let this = ManuallyDrop::new(self);
        (this.first, this.len, this.capacity)
    }

    /// Moves all values to `target` and leaves nothing behind.
    ///
    /// # Safety
    /// `target` addresses room for `self.len()` values, aligned, that overlaps
    /// nothing this array owns. Old values there are overwritten, not dropped.
    pub unsafe fn move_to(mut self, target: *mut u8) {
        // SAFETY: the source holds `len` values; the caller promises the target.
        unsafe {
            ptr::copy_nonoverlapping(self.first.as_ptr(), target, self.len * self.info.stride())
        }
        self.len = 0;
    }
}

/// Returns the layout of an array of `capacity` values.
fn array_layout(info: &ComponentInfo, capacity: usize) -> Layout {
    let size = info.stride().checked_mul(capacity).expect("capacity overflow");
    Layout::from_size_align(size, info.align()).expect("capacity overflow")
}

impl Drop for ErasedVec {
    fn drop(&mut self) {
        /// Gives the memory back, also when a value panics as it is dropped.
        struct Memory<'a>(&'a ErasedVec);
        impl Drop for Memory<'_> {
            fn drop(&mut self) {
                if self.0.capacity != 0 {
                    let layout = array_layout(self.0.info, self.0.capacity);
                    // SAFETY: allocated with this layout, freed once.
                    unsafe { dealloc(self.0.first.as_ptr(), layout) }
                }
            }
        }
        let memory = Memory(self);
        // SAFETY: `len` values are valid, and this is the end of them.
        unsafe { drop_values(memory.0.info, memory.0.first, memory.0.len) }
    }
}

impl fmt::Debug for ErasedVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// An owned value of some component.
pub struct ErasedValue(ErasedVec);

impl ErasedValue {
    /// Forgets the type of a value.
    pub fn new<C: Component>(value: C) -> Self {
        Self(ErasedVec::from_vec(vec![value]))
    }

    /// Makes a value of a component that is plain bytes.
    ///
    /// # Errors
    /// [`CodecError`] if the component is not plain bytes, or of another size.
    pub fn from_bytes(id: ComponentId, bytes: &[u8]) -> Result<Self, CodecError> {
        let info = id.info();
        let wrong = |reason: String| CodecError::Decode {
            component: info.name().to_owned(),
            row: 0,
            reason,
        };
        if !info.is_pod() {
            return Err(wrong("the component is not plain bytes".to_owned()));
        }
        if bytes.len() != info.size() {
            return Err(wrong(format!(
                "{} bytes were given, a value has {}",
                bytes.len(),
                info.size()
            )));
        }
        let mut padded = bytes.to_vec();
        padded.resize(info.stride(), 0);
        Ok(Self(ErasedVec::copy_of(info, &padded, 1)))
    }

    /// Reads one value in its persistent form.
    ///
    /// # Errors
    /// [`CodecError`] if the component is transient, or the bytes are not
    /// exactly one value of it.
    pub fn decode(id: ComponentId, mut bytes: &[u8]) -> Result<Self, CodecError> {
        let mut values = ErasedVec::decode(id.info(), &mut bytes, 1)?;
        if !bytes.is_empty() {
            let reason = format!("{} bytes are left over", bytes.len());
            return Err(CodecError::Decode {
                component: id.info().name().to_owned(),
                row: 0,
                reason,
            });
        }
        Ok(values.pop().expect("one value was decoded"))
    }

    /// Moves a value out of `place`.
    ///
    /// # Safety
    /// `place` addresses a valid value of `info`'s component, which nobody uses
    /// as one afterwards.
    pub unsafe fn read_from(info: &'static ComponentInfo, place: NonNull<u8>) -> Self {
        let mut value = ErasedVec::new(info);
        value.reserve(1);
        // SAFETY: `reserve` made room; the caller promises the source.
        unsafe { ptr::copy_nonoverlapping(place.as_ptr(), value.first.as_ptr(), info.stride()) }
        value.len = 1;
        Self(value)
    }

    /// Moves the value to `place`.
    ///
    /// # Safety
    /// `place` addresses room for one value, aligned. An old value there is
    /// overwritten, not dropped.
    pub unsafe fn write_to(self, place: *mut u8) {
        // SAFETY: room for one value is what the caller promises.
        unsafe { self.0.move_to(place) }
    }

    /// Returns the component the value belongs to.
    pub fn info(&self) -> &'static ComponentInfo {
        self.0.info
    }

    /// Returns the component's id.
    pub fn id(&self) -> ComponentId {
        self.0.info.id
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> ErasedRef<'_> {
        ErasedRef(self.0.as_slice())
    }

    /// Borrows the value mutably.
    pub fn as_mut(&mut self) -> ErasedMut<'_> {
        ErasedMut(self.0.as_mut_slice())
    }

    /// Returns the bytes of a component that is plain bytes, padding left out.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.0.as_slice().as_bytes().map(|bytes| &bytes[..self.info().size()])
    }

    /// Returns the value as a `C`.
    ///
    /// # Errors
    /// Gives the value back if it is of another component.
    pub fn downcast<C: Component>(self) -> Result<C, Self> {
        let mut values = self.0.into_vec::<C>().map_err(Self)?;
        Ok(values.pop().expect("a value is an array of one"))
    }
}

impl fmt::Debug for ErasedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

#[cfg(test)]
mod tests;
