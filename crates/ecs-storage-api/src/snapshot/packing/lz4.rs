//! Blocks in the LZ4 block format.

use lz4_flex::block;

pub(super) fn pack(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + block::get_maximum_output_size(bytes.len()), 0);
    let length = block::compress_into(bytes, &mut out[start..]);
    out.truncate(start + length.expect("there is room for the worst case"));
}

/// Fills `out`, and tells whether that was all.
pub(super) fn unpack(packed: &[u8], out: &mut [u8]) -> bool {
    block::decompress_into(packed, out).is_ok_and(|length| length == out.len())
}
