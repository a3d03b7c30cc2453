//! Reading a file that may be compressed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::Error;

/// The first bytes of every gzip file (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Larger than any week of flights: what a small damaged file may unpack to has an end.
const LARGEST: u64 = 1 << 30;

/// Reads a file whole, unpacked when its content says that it is gzip.
///
/// # Errors
/// When the file cannot be read, is cut off or damaged, or unpacks to more than 1 GiB.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let mut file = File::open(path).map_err(|error| Error::io(path, "open it", error))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| Error::io(path, "read it", error))?;
    if bytes.starts_with(&GZIP_MAGIC) { unpack_file(path, &bytes) } else { Ok(bytes) }
}

fn unpack_file(path: &Path, packed: &[u8]) -> Result<Vec<u8>, Error> {
    unpack(packed, LARGEST).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::CutOff { path: path.to_owned(), problem: "the gzip data has no end".to_owned() }
        }
        _ => Error::Damaged { path: path.to_owned(), problem: format!("gzip: {error}") },
    })
}

/// Unpacks all members of a gzip file.
fn unpack(packed: &[u8], largest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed).take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(io::Error::other("it unpacks to more than 1 GiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(content: &[u8]) -> Result<Vec<u8>, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        read_file(file.path())
    }

    #[test]
    fn the_content_and_not_the_name_tells_gzip() {
        assert_eq!(read(b"a,b\n").unwrap(), b"a,b\n");
        assert_eq!(read(&gzip(b"a,b\n")).unwrap(), b"a,b\n");
        assert_eq!(read(b"").unwrap(), b"");
    }

    #[test]
    fn all_members_are_read() {
        let two = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(read(&two).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn a_gzip_file_cut_anywhere_is_an_error() {
        let whole = gzip(&(0..500_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        for length in 2..whole.len() {
            let error = unpack_file(Path::new("f.gz"), &whole[..length]).unwrap_err();
            assert!(matches!(error, Error::CutOff { .. }), "{length}: {error}");
        }
    }

    #[test]
    fn a_damaged_gzip_file_is_an_error() {
        let mut bytes = gzip(&[7; 5_000]);
        let checksum = bytes.len() - 6;
        bytes[checksum] ^= 1;
        assert!(matches!(read(&bytes).unwrap_err(), Error::Damaged { .. }));
        let tail = [gzip(b"one\n"), b"what follows is not gzip".to_vec()].concat();
        assert!(matches!(read(&tail).unwrap_err(), Error::Damaged { .. }));
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        assert!(unpack(&gzip(&[0; 101]), 100).is_err());
        assert_eq!(unpack(&gzip(&[0; 100]), 100).unwrap().len(), 100);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_file(Path::new("no/such/file.csv")).unwrap_err();
        assert!(error.to_string().starts_with("no/such/file.csv: cannot open it: "));
    }
}
