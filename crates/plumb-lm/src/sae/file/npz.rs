//! Arrays of a NumPy archive: a zip of `.npy` files. Floats only, in C order, which is what autoencoders are stored in.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use half::f16;

use super::super::Fault;
use super::unsound;
use crate::Error;

/// No array of an autoencoder is larger; a damaged length must not ask for more.
const MOST_BYTES: u64 = 16 << 30;

pub(super) type Arrays = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// All arrays, by their names in lower case.
pub(super) fn read(path: &Path) -> Result<Arrays, Error> {
    let file = std::fs::File::open(path).map_err(|source| Fault::Io { path: path.to_owned(), source })?;
    let broken = |error: zip::result::ZipError| unsound(path, format!("no sound .npz archive: {error}"));
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(broken)?;
    let mut arrays = Arrays::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?.trim_end_matches(".npy").to_lowercase();
        let mut bytes = Vec::new();
        entry
            .by_ref()
            .take(MOST_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|source| Fault::Io { path: path.to_owned(), source })?;
        let array = array(&bytes).map_err(|reason| unsound(path, format!("array {name:?}: {reason}")))?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// Shape and values of a `.npy` file.
fn array(bytes: &[u8]) -> Result<(Vec<usize>, Vec<f32>), String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("not a .npy file")?;
    let (version, rest) = rest.split_at_checked(2).ok_or("the header is cut")?;
    let (length, rest) = match version[0] {
        1 => rest.split_at_checked(2).map(|(n, rest)| (usize::from(u16::from_le_bytes([n[0], n[1]])), rest)),
        2 | 3 => rest
            .split_at_checked(4)
            .map(|(n, rest)| (u32::from_le_bytes([n[0], n[1], n[2], n[3]]) as usize, rest)),
        other => return Err(format!("version {other} is not known")),
    }
    .ok_or("the header is cut")?;
    let (header, data) = rest.split_at_checked(length).ok_or("the header is cut")?;
    let header = std::str::from_utf8(header).map_err(|_| "the header is no text")?;
    if !value(header, "fortran_order")?.starts_with("False") {
        return Err("it is stored by columns, expected by rows".to_owned());
    }
    let inner = value(header, "shape")?.strip_prefix('(').and_then(|text| text.split(')').next());
    let shape: Vec<usize> = inner
        .ok_or("the shape is no list")?
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().map_err(|_| format!("the shape has {size:?}")))
        .collect::<Result<_, _>>()?;
    let kind = value(header, "descr")?.trim_start_matches(['\'', '"']);
    let values: Vec<f32> = match kind.get(..3) {
        Some("<f4") => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Some("<f8") => {
            data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()
        }
        Some("<f2") => {
            data.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()
        }
        _ => return Err(format!("its numbers are {kind:.6}, expected <f4, <f8 or <f2")),
    };
    let expected = shape.iter().try_fold(1_usize, |all, size| all.checked_mul(*size));
    match expected == Some(values.len()) {
        true => Ok((shape, values)),
        false => Err(format!("it has {} numbers, its shape is {shape:?}", values.len())),
    }
}

/// What follows a key of the header, which is a Python dictionary.
fn value<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let quoted = format!("'{key}':");
    let (_, rest) = header.split_once(&quoted).ok_or_else(|| format!("the header has no {key}"))?;
    Ok(rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = array(&bytes);
            let mut long = b"\x93NUMPY\x01\x00\x40\x00".to_vec();
            long.extend(bytes);
            let _ = array(&long);
        }
    }
}
