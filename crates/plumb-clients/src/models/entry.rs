//! One model of the registry as data. The types refuse what would be unsafe as a path or an argument,
//! so that a registry file is checked, with the line, when it is read.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// What the registry says of one model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: ModelName,
    /// The file's name in the cache.
    pub file: FileName,
    /// The exact size in bytes.
    pub bytes: u64,
    pub sha256: Sha256,
    /// An SPDX expression where there is one.
    pub licence: String,
    /// The `general.architecture` of the file, such as `llama`.
    pub architecture: String,
    /// Whether the file has a chat template; false for a base model.
    #[serde(default = "yes")]
    pub chat: bool,
    #[serde(default)]
    pub description: String,
    /// Tried in order.
    #[serde(rename = "source", default)]
    pub sources: Vec<Source>,
}

fn yes() -> bool {
    true
}

/// A place where a model's file may come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    Path(LocalFile),
    Hub(HubFile),
    Package(Package),
}

/// A file on this machine. A relative path counts from the registry file's folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalFile {
    pub path: PathBuf,
}

/// A file in a repository of the model hub.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    /// `owner/name`.
    pub repo: String,
    pub file: String,
    /// A branch, tag or commit.
    #[serde(default = "main_branch")]
    pub revision: String,
}

fn main_branch() -> String {
    "main".to_owned()
}

/// Python packages whose members, concatenated in order, are the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub parts: Vec<Part>,
}

/// A member of one Python package (a wheel).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub package: Slug,
    pub version: Slug,
    /// The member's path inside the wheel.
    pub member: String,
    /// The size of the wheel, for the progress display only.
    pub download_bytes: Option<u64>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Path(s) => write!(f, "local file {}", s.path.display()),
            Source::Hub(s) => write!(f, "hub {}/{} ({})", s.repo, s.file, s.revision),
            Source::Package(s) => match s.parts.as_slice() {
                [] => write!(f, "no Python package"),
                [one] => write!(f, "Python package {} {}", one.package, one.version),
                [first, .., last] => write!(
                    f,
                    "Python packages {} … {} {} ({} parts)",
                    first.package,
                    last.package,
                    last.version,
                    s.parts.len()
                ),
            },
        }
    }
}

/// A model's name: letters, digits, `.`, `_` and `-`, and a letter or digit first, for it names a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ModelName(String);

/// A file's name, by the same rule as [`ModelName`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FileName(String);

/// A package's name or version, by the same rule as [`ModelName`]: it becomes a command's argument.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(String);

/// A sha256 as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sha256(String);

fn plain(text: String, what: &str) -> Result<String, String> {
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let all_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'));
    if begins_well && all_plain && text.len() <= 128 {
        Ok(text)
    } else {
        Err(format!(
            "{what} {text:?} must begin with a letter or digit and hold only letters, digits and . _ - + (at most 128)"
        ))
    }
}

macro_rules! plain_text {
    ($type:ident, $what:literal) => {
        impl TryFrom<String> for $type {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                plain(text, $what).map($type)
            }
        }
        impl $type {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
plain_text!(ModelName, "the model's name");
plain_text!(FileName, "the file's name");
plain_text!(Slug, "the package's name or version");

impl TryFrom<String> for Sha256 {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Sha256(text))
        } else {
            Err(format!("a sha256 has 64 hexadecimal digits; this one is {text:?}"))
        }
    }
}

impl Sha256 {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of_digest(digest: &[u8]) -> Sha256 {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in digest {
            let _ = write!(text, "{byte:02x}");
        }
        Sha256(text)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
