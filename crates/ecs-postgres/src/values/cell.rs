//! Single cells in PostgreSQL's binary form.

use tokio_postgres::types::Type;

use super::kind::Kind;
use super::number::{Number, NumberType, with_number};
use super::source::Source;
use super::target::Target;
use super::{Unfit, json, without_zero};

/// The length of a null.
const NULL: i32 = -1;

/// Appends a cell: its length, and what `fill` appends.
pub(super) fn cell(
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Unfit>,
) -> Result<(), Unfit> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out)?;
    let length = i32::try_from(out.len() - start - 4);
    let length = length.map_err(|_| Unfit("the value has over 2 GiB".to_owned()))?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends a cell that is null.
fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(&NULL.to_be_bytes());
}

/// Appends a cell, null if an optional value is not there.
pub(super) fn put(
    kind: &Kind,
    may_lack: bool,
    source: &mut impl Source,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    if may_lack && !source.presence()? {
        null(out);
        return Ok(());
    }
    cell(out, |out| put_present(kind, source, out))
}

fn put_present(kind: &Kind, source: &mut impl Source, out: &mut Vec<u8>) -> Result<(), Unfit> {
    match kind {
        Kind::Number(number) => with_number!(*number, N => source.number::<N>()?.put(out)),
        Kind::Bool => out.push(source.boolean()?.into()),
        Kind::Char => {
            let mut bytes = [0; 4];
            let text = source.character()?.encode_utf8(&mut bytes);
            out.extend_from_slice(without_zero(text)?.as_bytes());
        }
        Kind::Text => out.extend_from_slice(without_zero(source.text()?)?.as_bytes()),
        Kind::Entity => out.extend_from_slice(&source.number::<u64>()?.to_be_bytes()),
        Kind::Bytes(count) => {
            let count = count.map_or_else(|| source.count(), Ok)?;
            out.extend_from_slice(source.bytes(count)?);
        }
        Kind::Choice(names) => {
            let number = source.variant()?;
            let name = names.get(number as usize);
            let name = name.ok_or_else(|| json::no_variant(number, names.len()))?;
            out.extend_from_slice(name.as_bytes());
        }
        Kind::Array { of, may_lack, count } => {
            let count = count.map_or_else(|| source.count(), Ok)?;
            put_array(of, *may_lack, count, source, out)?;
        }
        Kind::Json(schema) => {
            // The version of the form.
            out.push(1);
            let value = json::read(schema, source)?;
            serde_json::to_writer(out, &value).map_err(|error| Unfit(error.to_string()))?;
        }
    }
    Ok(())
}

/// Appends an array of one dimension, as `array_send` writes it.
fn put_array(
    of: &Kind,
    may_lack: bool,
    count: usize,
    source: &mut impl Source,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    let length = i32::try_from(count).map_err(|_| Unfit(format!("{count} values")))?;
    let dimensions = i32::from(count != 0);
    for part in [dimensions, may_lack.into(), of.sql().oid() as i32] {
        out.extend_from_slice(&part.to_be_bytes());
    }
    if count != 0 {
        out.extend_from_slice(&length.to_be_bytes());
        // Places count from 1.
        out.extend_from_slice(&1i32.to_be_bytes());
    }
    (0..count).try_for_each(|_| put(of, may_lack, source, out))
}

/// Reads a cell.
pub(super) fn take(
    kind: &Kind,
    may_lack: bool,
    bytes: Option<&[u8]>,
    target: &mut impl Target,
) -> Result<(), Unfit> {
    if may_lack {
        target.presence(bytes.is_some());
    }
    match bytes {
        Some(bytes) => take_present(kind, bytes, target),
        None if may_lack => Ok(()),
        None => Err(Unfit("null where there must be a value".to_owned())),
    }
}

fn take_present(kind: &Kind, bytes: &[u8], target: &mut impl Target) -> Result<(), Unfit> {
    let text = || std::str::from_utf8(bytes).map_err(|error| Unfit(error.to_string()));
    match kind {
        Kind::Number(number) => with_number!(*number, N => target.number(N::take(bytes)?)),
        Kind::Bool => target.boolean(bytes == [1]),
        Kind::Char => {
            let mut characters = text()?.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => target.character(character),
                _ => return Err(Unfit(format!("{:?} is not one character", text()?))),
            }
        }
        Kind::Text => target.text(text()?),
        Kind::Entity => target.number(i64::take(bytes)? as u64),
        Kind::Bytes(count) => {
            match count {
                None => target.count(bytes.len()),
                Some(count) if *count == bytes.len() => {}
                Some(count) => {
                    return Err(Unfit(format!("{} bytes where {count} belong", bytes.len())));
                }
            }
            target.bytes(bytes);
        }
        Kind::Choice(names) => {
            let name = text()?;
            let number = names.iter().position(|known| known == name);
            let number = number.ok_or_else(|| Unfit(format!("{name:?} is no variant")))?;
            target.variant(number as u32);
        }
        Kind::Array { of, may_lack, count } => take_array(of, *may_lack, *count, bytes, target)?,
        Kind::Json(schema) => {
            let text = bytes.strip_prefix(&[1]);
            let text = text.ok_or_else(|| Unfit("a form of jsonb that is not known".to_owned()))?;
            let value = serde_json::from_slice(text).map_err(|error| Unfit(error.to_string()))?;
            json::write(schema, &value, target)?;
        }
    }
    Ok(())
}

fn take_array(
    of: &Kind,
    may_lack: bool,
    wanted: Option<usize>,
    bytes: &[u8],
    target: &mut impl Target,
) -> Result<(), Unfit> {
    let mut cells = Cells(bytes);
    let [dimensions, _, element] = [cells.number()?, cells.number()?, cells.number()?];
    if Type::from_oid(element as u32) != Some(of.sql()) {
        return Err(Unfit(format!("an array of other values than {}", of.sql())));
    }
    let count = match dimensions {
        0 => 0,
        1 => (cells.number()?, cells.number()?).0,
        _ => return Err(Unfit(format!("an array of {dimensions} dimensions"))),
    };
    let count = usize::try_from(count).unwrap_or(0);
    match wanted {
        None => target.count(count),
        Some(wanted) if wanted == count => {}
        Some(wanted) => return Err(Unfit(format!("{count} values where {wanted} belong"))),
    }
    (0..count).try_for_each(|_| take(of, may_lack, cells.next()?, target))
}

/// Cells one after another, each with its length in front.
struct Cells<'a>(&'a [u8]);

impl<'a> Cells<'a> {
    fn number(&mut self) -> Result<i32, Unfit> {
        let (number, rest) = self.0.split_first_chunk().ok_or_else(ends)?;
        self.0 = rest;
        Ok(i32::from_be_bytes(*number))
    }

    fn next(&mut self) -> Result<Option<&'a [u8]>, Unfit> {
        let Ok(length) = usize::try_from(self.number()?) else { return Ok(None) };
        let (cell, rest) = self.0.split_at_checked(length).ok_or_else(ends)?;
        self.0 = rest;
        Ok(Some(cell))
    }
}

fn ends() -> Unfit {
    Unfit("the bytes of an array end early".to_owned())
}
