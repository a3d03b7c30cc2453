//! Drops, panics and layouts of erased values.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::*;
use crate::{Description, DynamicComponent};

#[derive(Clone, Debug, PartialEq)]
struct Counted(Arc<()>);

impl Component for Counted {
    fn describe() -> Description<Self> {
        Description::transient("erased::Counted").cloneable()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Plain(u64);

impl Component for Plain {
    fn describe() -> Description<Self> {
        Description::pod("erased::Plain").printable()
    }
}

#[repr(align(128))]
#[derive(Debug, PartialEq)]
struct Aligned;

impl Component for Aligned {
    fn describe() -> Description<Self> {
        Description::transient("erased::Aligned")
    }
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Named(String);

impl Component for Named {
    fn describe() -> Description<Self> {
        Description::persistent("erased::Named")
    }
}

struct Bomb {
    _counted: Arc<()>,
    lit: bool,
}

impl Component for Bomb {
    fn describe() -> Description<Self> {
        Description::transient("erased::Bomb")
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.lit || std::thread::panicking(), "a bomb goes off");
    }
}

#[test]
fn values_that_are_appended_have_one_owner() {
    let count = Arc::new(());
    let some = |n: usize| ErasedVec::from_vec(vec![Counted(count.clone()); n]);
    let mut values = some(3);
    values.append(some(5));
    values.append(some(0));
    assert_eq!((values.len(), Arc::strong_count(&count)), (8, 9));
    let other = ErasedVec::from_vec(vec![Plain(1)]);
    let refused = catch_unwind(AssertUnwindSafe(|| values.append(other)));
    assert!(refused.is_err(), "of another component");
    assert_eq!((values.len(), Arc::strong_count(&count)), (8, 9));
    drop(values);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn every_value_is_dropped_once() {
    let count = Arc::new(());
    let mut values = ErasedVec::from_vec(vec![Counted(count.clone()), Counted(count.clone())]);
    values.push(ErasedValue::new(Counted(count.clone()))).unwrap();
    let copy = values.as_slice().try_clone().unwrap();
    assert_eq!(Arc::strong_count(&count), 7);
    drop(copy);
    let one = values.pop().unwrap();
    assert_eq!(one.downcast::<Counted>().unwrap().0, count);
    assert_eq!(Arc::strong_count(&count), 3);
    let typed = values.into_vec::<Counted>().unwrap();
    assert_eq!(typed.len(), 2);
    drop(typed);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn values_of_one_size_are_not_mistaken_for_each_other() {
    let value = ErasedValue::new(Plain(7));
    assert!(value.as_ref().downcast::<Counted>().is_none());
    let value = value.downcast::<Counted>().unwrap_err();
    let mut other = ErasedVec::from_vec(vec![Counted(Arc::new(()))]);
    let value = other.push(value).unwrap_err();
    assert_eq!(value.downcast::<Plain>().unwrap(), Plain(7));
    let mut counted = Counted(Arc::new(()));
    assert!(ErasedMut::new(&mut counted).replace(ErasedValue::new(Plain(1))).is_err());
}

#[test]
fn over_aligned_values_without_size_keep_their_alignment() {
    let mut values = ErasedVec::new(ComponentId::of::<Aligned>().info());
    for _ in 0..1000 {
        values.push(ErasedValue::new(Aligned)).unwrap();
    }
    let run = values.as_slice().downcast::<Aligned>().unwrap();
    assert_eq!((run.len(), run.as_ptr().addr() % 128), (1000, 0));
    assert_eq!(values.into_vec::<Aligned>().unwrap().len(), 1000);
}

#[test]
fn values_come_back_from_their_bytes() {
    let values = ErasedVec::from_vec(vec![Named("a".into()), Named(String::new())]);
    let mut bytes = Vec::new();
    values.as_slice().encode(&mut bytes).unwrap();
    let mut rest = &bytes[..];
    let back = ErasedVec::decode(values.info(), &mut rest, 2).unwrap();
    assert!(rest.is_empty());
    assert_eq!(back.as_slice().downcast::<Named>(), values.as_slice().downcast::<Named>());
    for cut in 0..bytes.len() {
        assert!(ErasedVec::decode(values.info(), &mut &bytes[..cut], 2).is_err());
    }
}

#[test]
fn hostile_counts_are_refused_without_memory() {
    for info in [ComponentId::of::<Named>().info(), ComponentId::of::<Plain>().info()] {
        assert!(ErasedVec::decode(info, &mut &[0u8; 9][..], usize::MAX).is_err());
    }
    assert!(ErasedVec::decode(ComponentId::of::<Counted>().info(), &mut &[0u8; 9][..], 1).is_err());
}

#[test]
fn a_run_time_component_pads_its_values_with_zeros() {
    let id = DynamicComponent::new("erased::Odd", 5, 4).register().unwrap();
    let mut values = ErasedVec::new(id.info());
    for byte in 0..3 {
        values.push(ErasedValue::from_bytes(id, &[byte; 5]).unwrap()).unwrap();
    }
    assert_eq!(
        values.as_slice().as_bytes().unwrap()[8..],
        [1, 1, 1, 1, 1, 0, 0, 0, 2, 2, 2, 2, 2, 0, 0, 0]
    );
    assert!(ErasedValue::from_bytes(id, &[0; 8]).is_err());
}

#[test]
fn a_panic_while_dropping_a_run_frees_the_rest() {
    let count = Arc::new(());
    let bombs = (0..4).map(|n| Bomb { _counted: count.clone(), lit: n == 1 }).collect();
    let values = ErasedVec::from_vec(bombs);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(values))).is_err());
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn replacing_a_value_gives_the_old_one_back() {
    let mut plain = Plain(1);
    let old = ErasedMut::new(&mut plain).replace(ErasedValue::new(Plain(2))).unwrap();
    assert_eq!((plain, old.downcast::<Plain>().unwrap()), (Plain(2), Plain(1)));
}

#[test]
fn a_value_that_refuses_to_be_encoded_leaves_what_was_written_before() {
    #[derive(Debug)]
    struct Even(u8);
    impl serde::Serialize for Even {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 % 2 {
                0 => serializer.serialize_u8(self.0),
                _ => Err(serde::ser::Error::custom("odd")),
            }
        }
    }
    impl<'de> serde::Deserialize<'de> for Even {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u8::deserialize(deserializer).map(Self)
        }
    }
    impl Component for Even {
        fn describe() -> Description<Self> {
            Description::persistent("erased::Even")
        }
    }
    let mut out = vec![1, 2];
    let refused = ErasedVec::from_vec(vec![Even(4), Even(5)]);
    refused.as_slice().encode(&mut out).unwrap_err();
    assert_eq!(out, [1, 2]);
    ErasedVec::from_vec(vec![Even(4)]).as_slice().encode(&mut out).unwrap();
    assert_eq!(out, [1, 2, 4]);
}
