//! The key-value part of a GGUF file.
//!
//! Values are checked when the file is opened and read on demand: an entry keeps the place of its value, arrays are
//! never copied, so that a false count cannot make the reader allocate.

use std::collections::HashMap;

use super::Fault;
use super::cursor::Cursor;

const STRING: u32 = 8;
const ARRAY: u32 = 9;
/// Key length, value type and a value of one byte.
const SMALLEST_ENTRY: usize = 8 + 4 + 1;

#[derive(Debug, Clone, Copy)]
struct Place {
    kind: u32,
    /// Offset of the value, after its type.
    at: usize,
}

/// Places of all values, by key.
#[derive(Debug)]
pub(super) struct Index<'a> {
    places: HashMap<&'a str, Place>,
    bytes: &'a [u8],
}

/// Bytes of one value of a fixed-size kind, or `None` for strings and arrays; an error for kinds that do not exist.
fn fixed_size(kind: u32, offset: usize) -> Result<Option<usize>, Fault> {
    match kind {
        0 | 1 | 7 => Ok(Some(1)),
        2 | 3 => Ok(Some(2)),
        4..=6 => Ok(Some(4)),
        10..=12 => Ok(Some(8)),
        STRING | ARRAY => Ok(None),
        found => Err(Fault::ValueType { offset, found }),
    }
}

impl<'a> Index<'a> {
    /// Walks `count` entries from the cursor and checks each of them.
    pub(super) fn read(bytes: &'a [u8], cursor: &mut Cursor<'a>, count: usize) -> Result<Self, Fault> {
        let mut places = HashMap::new();
        for _ in 0..count {
            let start = cursor.offset();
            let key = cursor.string("a metadata key")?;
            let kind_at = cursor.offset();
            let kind = cursor.u32("a metadata value type")?;
            let place = Place { kind, at: cursor.offset() };
            skip(cursor, kind, kind_at, true)?;
            if places.insert(key, place).is_some() {
                return Err(Fault::DuplicateKey { offset: start, key: key.to_owned() });
            }
        }
        Ok(Self { places, bytes })
    }

    pub(super) fn least_entry() -> usize {
        SMALLEST_ENTRY
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.places.keys().copied()
    }

    fn cursor(&self, place: Place) -> Cursor<'a> {
        Cursor::new(self.bytes, place.at)
    }

    fn wrong(key: &str, place: Place, expected: &'static str) -> Fault {
        Fault::WrongType { offset: place.at, key: key.to_owned(), expected }
    }

    pub(super) fn offset(&self, key: &str) -> Option<usize> {
        self.places.get(key).map(|place| place.at)
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<&'a str>, Fault> {
        let Some(&place) = self.places.get(key) else { return Ok(None) };
        if place.kind != STRING {
            return Err(Self::wrong(key, place, "a string"));
        }
        self.cursor(place).string("a string value").map(Some)
    }

    /// Any integer kind, as long as it is not negative.
    pub(super) fn unsigned(&self, key: &str) -> Result<Option<u64>, Fault> {
        const EXPECTED: &str = "a non-negative integer";
        let Some(&place) = self.places.get(key) else { return Ok(None) };
        let signed = match integer(&mut self.cursor(place), place.kind)? {
            Some(value) => value,
            None => return Err(Self::wrong(key, place, EXPECTED)),
        };
        u64::try_from(signed).map(Some).map_err(|_| Self::wrong(key, place, EXPECTED))
    }

    pub(super) fn float(&self, key: &str) -> Result<Option<f64>, Fault> {
        let Some(&place) = self.places.get(key) else { return Ok(None) };
        let mut cursor = self.cursor(place);
        match place.kind {
            6 => Ok(Some(f64::from(f32::from_bits(cursor.u32("a value")?)))),
            12 => Ok(Some(f64::from_bits(cursor.u64("a value")?))),
            _ => Err(Self::wrong(key, place, "a floating-point number")),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Fault> {
        let Some(&place) = self.places.get(key) else { return Ok(None) };
        if place.kind != 7 {
            return Err(Self::wrong(key, place, "a boolean"));
        }
        Ok(Some(self.cursor(place).take(1, "a value")?[0] == 1))
    }

    /// The strings of an array, one after the other.
    pub(super) fn strings(&self, key: &str) -> Result<Option<Items<'a>>, Fault> {
        self.items(key, |kind| kind == STRING, "an array of strings")
    }

    /// The integers of an array, one after the other.
    pub(super) fn integers(&self, key: &str) -> Result<Option<Items<'a>>, Fault> {
        self.items(key, |kind| matches!(kind, 0..=5 | 10 | 11), "an array of integers")
    }

    /// The floating-point numbers of an array, one after the other.
    pub(super) fn floats(&self, key: &str) -> Result<Option<Items<'a>>, Fault> {
        self.items(key, |kind| matches!(kind, 6 | 12), "an array of floating-point numbers")
    }

    fn items(
        &self,
        key: &str,
        fits: fn(u32) -> bool,
        expected: &'static str,
    ) -> Result<Option<Items<'a>>, Fault> {
        let Some(&place) = self.places.get(key) else { return Ok(None) };
        if place.kind != ARRAY {
            return Err(Self::wrong(key, place, expected));
        }
        let mut cursor = self.cursor(place);
        let kind = cursor.u32("an array's value type")?;
        let left = cursor.count(1, "an array's length")?;
        if !fits(kind) {
            return Err(Self::wrong(key, place, expected));
        }
        Ok(Some(Items { cursor, kind, left }))
    }
}

/// A cursor over an array that was checked when the file was opened.
#[derive(Debug, Clone)]
pub(super) struct Items<'a> {
    cursor: Cursor<'a>,
    kind: u32,
    left: usize,
}

impl<'a> Items<'a> {
    pub(super) fn len(&self) -> usize {
        self.left
    }

    pub(super) fn next_string(&mut self) -> Option<&'a str> {
        self.left = self.left.checked_sub(1)?;
        self.cursor.string("a string value").ok()
    }

    pub(super) fn next_float(&mut self) -> Option<f64> {
        self.left = self.left.checked_sub(1)?;
        match self.kind {
            6 => self.cursor.u32("a value").ok().map(|bits| f64::from(f32::from_bits(bits))),
            _ => self.cursor.u64("a value").ok().map(f64::from_bits),
        }
    }

    pub(super) fn next_integer(&mut self) -> Option<i128> {
        self.left = self.left.checked_sub(1)?;
        integer(&mut self.cursor, self.kind).ok().flatten()
    }
}

fn integer(cursor: &mut Cursor<'_>, kind: u32) -> Result<Option<i128>, Fault> {
    let size = match kind {
        0 | 1 => 1,
        2 | 3 => 2,
        4 | 5 => 4,
        10 | 11 => 8,
        _ => return Ok(None),
    };
    let bytes = cursor.take(size, "a value")?;
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let raw = u64::from_le_bytes(wide);
    let signed = matches!(kind, 1 | 3 | 5 | 11);
    let unused = 64 - 8 * bytes.len() as u32;
    Ok(Some(if signed { i128::from(((raw << unused) as i64) >> unused) } else { i128::from(raw) }))
}

/// Moves past one value and checks it. `kind_at` is where its type stands; arrays may not hold arrays.
fn skip(cursor: &mut Cursor<'_>, kind: u32, kind_at: usize, outer: bool) -> Result<(), Fault> {
    match fixed_size(kind, kind_at)? {
        Some(1) if kind == 7 => {
            let offset = cursor.offset();
            match cursor.take(1, "a metadata value")?[0] {
                0 | 1 => Ok(()),
                found => Err(Fault::Bool { offset, found }),
            }
        }
        Some(size) => cursor.take(size as u64, "a metadata value").map(drop),
        None if kind == STRING => cursor.string("a metadata string").map(drop),
        None if outer => skip_array(cursor),
        None => Err(Fault::Nested { offset: kind_at }),
    }
}

fn skip_array(cursor: &mut Cursor<'_>) -> Result<(), Fault> {
    let kind_at = cursor.offset();
    let kind = cursor.u32("an array's value type")?;
    let size = fixed_size(kind, kind_at)?;
    let count = cursor.count(size.unwrap_or(8), "an array's length")?;
    match size {
        Some(size) if kind != 7 => cursor.take((count * size) as u64, "an array").map(drop),
        _ => (0..count).try_for_each(|_| skip(cursor, kind, kind_at, false)),
    }
}
