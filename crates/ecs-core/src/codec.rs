//! How the values of a component become bytes and come back.

use std::fmt;

use bytemuck::Pod;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::component::Component;
use crate::erased::{ErasedSlice, ErasedVec};

/// How values of one component are persisted.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Codec {
    /// They are not: the component stays out of snapshots and state hashes.
    Transient,
    /// As memory: plain bytes, no padding, every pattern valid.
    Pod,
    /// Value by value through serde, in the postcard format.
    Serde(SerdeCodec),
}

/// The two directions of a serde codec, for one component type.
#[derive(Clone, Copy)]
pub struct SerdeCodec {
    encode: fn(ErasedSlice<'_>, &mut Vec<u8>) -> Result<(), CodecError>,
    decode: fn(&mut &[u8], usize) -> Result<ErasedVec, CodecError>,
}

/// Tells why values could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The component is transient.
    #[error("component `{component}` is transient: it has no bytes")]
    Transient {
        /// The component's stable name.
        component: String,
    },
    /// A value could not be written.
    #[error("component `{component}`: value {row} can't be encoded: {reason}")]
    Encode {
        /// The component's stable name.
        component: String,
        /// Which value of the run, from 0.
        row: usize,
        /// What the serializer said.
        reason: String,
    },
    /// The bytes are not values of this component.
    #[error("component `{component}`: value {row} can't be decoded: {reason}")]
    Decode {
        /// The component's stable name.
        component: String,
        /// Which value of the run, from 0.
        row: usize,
        /// What was wrong.
        reason: String,
    },
}

impl CodecError {
    /// Returns the error as one of a run that begins so many values before.
    pub fn behind(mut self, values: usize) -> Self {
        match &mut self {
            Self::Transient { .. } => {}
            Self::Encode { row, .. } | Self::Decode { row, .. } => *row += values,
        }
        self
    }
}

impl Codec {
    pub(crate) fn serde<C: Component + Serialize + DeserializeOwned>() -> Self {
        Self::Serde(SerdeCodec { encode: encode::<C>, decode: decode::<C> })
    }

    /// Returns the codec's name as snapshots record it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Pod => "pod",
            Self::Serde(_) => "postcard",
        }
    }
}

impl SerdeCodec {
    pub(crate) fn encode(
        &self,
        values: ErasedSlice<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        (self.encode)(values, out)
    }

    pub(crate) fn decode(&self, bytes: &mut &[u8], count: usize) -> Result<ErasedVec, CodecError> {
        (self.decode)(bytes, count)
    }
}

fn encode<C: Component + Serialize>(
    values: ErasedSlice<'_>,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let typed = values.downcast::<C>().expect("the codec of a component sees its own values");
    let before = out.len();
    for (row, value) in typed.iter().enumerate() {
        if let Err(error) = postcard::serialize_with_flavor(value, Appended(out)) {
            out.truncate(before);
            let component = values.info().name().to_owned();
            return Err(CodecError::Encode { component, row, reason: error.to_string() });
        }
    }
    Ok(())
}

/// Has postcard write behind what is there.
struct Appended<'o>(&'o mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    #[inline(always)]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline(always)]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

fn decode<C: Component + DeserializeOwned>(
    bytes: &mut &[u8],
    count: usize,
) -> Result<ErasedVec, CodecError> {
    Ok(ErasedVec::from_vec(decode_values::<C>(bytes, count)?))
}

/// Reads values of a type that need not be registered.
pub(crate) fn decode_values<C: Component + DeserializeOwned>(
    bytes: &mut &[u8],
    count: usize,
) -> Result<Vec<C>, CodecError> {
    // A hostile count allocates nothing: it is believed as far as values take four
    // times the bytes that are left. More room comes as values do.
    let believed = bytes.len().saturating_mul(4) / size_of::<C>().max(1);
    let mut values = Vec::with_capacity(count.min(believed));
    for row in 0..count {
        let (value, rest) =
            postcard::take_from_bytes::<C>(bytes).map_err(|error| CodecError::Decode {
                component: C::describe().name().to_owned(),
                row,
                reason: error.to_string(),
            })?;
        values.push(value);
        *bytes = rest;
    }
    Ok(values)
}

/// As [`decode_values`], of values that are plain bytes.
pub(crate) fn decode_plain<C: Component + Pod>(
    bytes: &mut &[u8],
    count: usize,
) -> Result<Vec<C>, CodecError> {
    let size = size_of::<C>();
    let taken = count.checked_mul(size).and_then(|size| bytes.split_at_checked(size));
    let (taken, rest) = taken.ok_or_else(|| CodecError::Decode {
        component: C::describe().name().to_owned(),
        row: bytes.len() / size.max(1),
        reason: format!("{count} values of {size} bytes end early"),
    })?;
    *bytes = rest;
    Ok(match size {
        0 => vec![C::zeroed(); count],
        size => taken.chunks_exact(size).map(bytemuck::pod_read_unaligned).collect(),
    })
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for SerdeCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SerdeCodec")
    }
}
