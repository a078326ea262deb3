//! Identities: content hashes, positions in a plan, and the seed of a trial.
//!
//! Names ([`ItemId`], [`SubjectId`], …) are for people and files; an `Ix` is a position in the plan, used
//! wherever there are many. Nothing here is ever split to learn what a thing is.

use std::fmt;

/// A BLAKE3 hash of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    /// Hash of several parts, each preceded by its length, so that ("ab", "c") differs from ("a", "bc").
    pub fn of_parts(parts: &[&[u8]]) -> Digest {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Digest(*hasher.finalize().as_bytes())
    }

    /// All 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.hex().chars().take(12).collect()
    }

    /// Parses 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Digest> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Digest(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// The hash of a root plan: the identity under which journals merge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PlanId(pub Digest);

/// Names that people write. Kept apart so that one cannot be passed for another.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub std::sync::Arc<str>);
        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self { $name(text.into()) }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self { $name(text.into()) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    };
}
name!(/// A test item's name, unique in a plan.
    ItemId);
name!(/// A subject's name, unique in a plan.
    SubjectId);
name!(/// A judge's name, unique in a plan.
    JudgeName);
name!(/// An analysis' name, unique in a plan.
    AnalysisId);
name!(/// What answers together: subjects of one engine share one queue (an endpoint, a loaded model).
    EngineId);

/// Position of a source in the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SourceIx(pub u16);
/// Position of an item in the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ItemIx(pub u32);
/// Position of a subject in the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SubjectIx(pub u16);
/// Position of a judge in the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct JudgeIx(pub u16);

/// One measure of one judge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MeasureRef {
    /// The judge.
    pub judge: JudgeIx,
    /// Position among the judge's measures.
    pub measure: u8,
}

/// Item × subject × repetition inside one root plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Trial {
    /// The item asked.
    pub item: ItemIx,
    /// Who is asked.
    pub subject: SubjectIx,
    /// Repetition, from 0.
    pub rep: u16,
}

/// Identity of an event: (writer, sequence). `writer` is the journal's small number for an opening, whose
/// 64 random bits stand in the `writers` table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventId {
    /// The journal's number of the writer.
    pub writer: u32,
    /// Position among this writer's events, from 1.
    pub seq: u64,
}

/// A seed for one trial's randomness, derived from the plan's seed and the trial's key by name, so that it
/// stays the same when other items or subjects are added.
pub fn trial_seed(plan_seed: u64, item: &ItemId, subject: &SubjectId, rep: u16) -> u64 {
    derive_seed(plan_seed, &[b"trial", item.0.as_bytes(), subject.0.as_bytes(), &rep.to_le_bytes()])
}

/// A seed for a named purpose.
pub fn derive_seed(plan_seed: u64, key: &[&[u8]]) -> u64 {
    let seed = plan_seed.to_le_bytes();
    let mut parts: Vec<&[u8]> = vec![b"plumbline seed 1", &seed];
    parts.extend_from_slice(key);
    let digest = Digest::of_parts(&parts);
    let mut first = [0; 8];
    first.copy_from_slice(&digest.0[..8]);
    u64::from_le_bytes(first)
}
