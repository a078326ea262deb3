//! Secrets by name, from the environment or from a file that only its owner can read.
//!
//! A plan names a secret, never holds one. All that a plan needs are looked up before anything runs, so
//! that what is missing is said once and in full. A [`Secret`] cannot be printed by accident.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::Result;

/// The environment, handed in by the binary or a test.
pub trait Environment: Send + Sync {
    /// The variable of that name, if it is set.
    fn var(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String> + Send + Sync> Environment for F {
    fn var(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// A value that neither `Debug` nor `Display` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    pub fn new(value: impl Into<Box<str>>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for a request's header and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without this secret, should a server have echoed it.
    pub fn redact(&self, text: &str) -> Option<String> {
        // A very short value would also match by chance, and would be no secret.
        (self.0.len() >= 4 && text.contains(&*self.0)).then(|| text.replace(&*self.0, "[secret]"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Something that needs a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The variable's name, such as `OPENAI_API_KEY`.
    pub name: String,
    /// For the message, such as `subject "gpt"`.
    pub by: String,
}

/// Where secrets are looked up: the environment first, then the file.
pub struct Keyring {
    environment: Box<dyn Environment>,
    file: BTreeMap<String, Secret>,
    path: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("cannot read the secrets file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the secrets file {} can be read by others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("the secrets file {} belongs to user {owner}, not to user {me} who runs this", path.display())]
    Foreign { path: PathBuf, owner: u32, me: u32 },
    // The parser's own message would quote the line, and with it the secret.
    #[error("the secrets file {}, line {line}, is not well-formed; each line must be NAME = \"value\"", path.display())]
    Malformed { path: PathBuf, line: usize },
    #[error("{}", missing(needs))]
    Missing { needs: Vec<Need>, file: Option<PathBuf> },
}

impl Problem {
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Problem::Missing { .. })
    }

    /// How to mend it, where the message does not say so itself.
    pub(crate) fn help(&self) -> Option<String> {
        let Problem::Missing { needs, file } = self else { return None };
        let first = needs.first().map_or("NAME", |n| n.name.as_str());
        Some(match file {
            Some(path) => format!(
                "set it in the environment (export {first}=…) or in {}: {first} = \"…\"",
                path.display()
            ),
            None => format!(
                "set it in the environment (export {first}=…) or in a secrets file that only you can read \
                 (NAME = \"value\")"
            ),
        })
    }
}

fn missing(needs: &[Need]) -> String {
    let mut text =
        String::from(if needs.len() == 1 { "a secret is missing:" } else { "secrets are missing:" });
    for (at, need) in needs.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        text += &format!("{comma} {} (for {})", need.name, need.by);
    }
    text
}

impl Keyring {
    /// Looks in the environment alone.
    pub fn new(environment: impl Environment + 'static) -> Keyring {
        Keyring { environment: Box::new(environment), file: BTreeMap::new(), path: None }
    }

    /// Looks in a TOML file of `NAME = "value"` too. A file that is not there holds nothing.
    ///
    /// # Errors
    /// The file belongs to another user, can be read by others, cannot be read, or is not well-formed. No
    /// message quotes it.
    pub fn with_file(mut self, path: &Path) -> Result<Keyring> {
        self.path = Some(path.to_owned());
        let unreadable = |source| Problem::Unreadable { path: path.to_owned(), source };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(e) => return Err(unreadable(e).into()),
        };
        private(&file, path)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        let entries: BTreeMap<String, String> = toml::from_str(&text).map_err(|e| Problem::Malformed {
            path: path.to_owned(),
            line: e.span().map_or(1, |s| plumb_study::written::line_of(&text, s.start)),
        })?;
        self.file = entries.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        Ok(self)
    }

    /// The secret of that name. An empty value counts as missing.
    pub fn get(&self, name: &str) -> Option<Secret> {
        let from_environment = self.environment.var(name).map(Secret::new);
        let from_file = || self.file.get(name).cloned();
        from_environment
            .filter(|s| !s.expose().is_empty())
            .or_else(from_file)
            .filter(|s| !s.expose().is_empty())
    }

    /// All the secrets needed, in the order of `needs`.
    ///
    /// # Errors
    /// One error that names every missing secret, what needs it, and how to set it.
    pub fn require(&self, needs: &[Need]) -> Result<Vec<Secret>> {
        let found: Vec<Option<Secret>> = needs.iter().map(|n| self.get(&n.name)).collect();
        let lacking = needs.iter().zip(&found).filter(|(_, f)| f.is_none());
        let lacking: Vec<Need> = lacking.map(|(n, _)| n.clone()).collect();
        if lacking.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        Err(Problem::Missing { needs: lacking, file: self.path.clone() }.into())
    }
}

/// Checks the opened file itself, so that it cannot be swapped between the check and the reading.
#[cfg(unix)]
fn private(file: &File, path: &Path) -> Result<(), Problem> {
    use std::os::unix::fs::MetadataExt as _;
    let path = || path.to_owned();
    let metadata = file.metadata().map_err(|source| Problem::Unreadable { path: path(), source })?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Problem::Open { path: path(), mode });
    }
    // The standard library has no `geteuid`; where there is no /proc, opening a file of mode 600 had to do.
    if let Ok(me) = std::fs::metadata("/proc/self").map(|m| m.uid())
        && metadata.uid() != me
    {
        return Err(Problem::Foreign { path: path(), owner: metadata.uid(), me });
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_: &File, _: &Path) -> Result<(), Problem> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const NOTHING: fn(&str) -> Option<String> = |_| None;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("sk-hush-hush");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[secret] [secret] Some([secret])");
        assert_eq!(secret.redact("key sk-hush-hush is bad").unwrap(), "key [secret] is bad");
        assert_eq!(secret.redact("fine"), None);
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let (_dir, path) = file("A = \"from file\"\nB = \"b\"\nC = \"\"\n", 0o600);
        let env = |name: &str| (name == "A").then(|| "from environment".to_owned());
        let ring = Keyring::new(env).with_file(&path).unwrap();
        assert_eq!(ring.get("A").unwrap().expose(), "from environment");
        assert_eq!(ring.get("B").unwrap().expose(), "b");
        assert_eq!(ring.get("C"), None);
    }

    #[test]
    fn all_that_is_missing_is_said_at_once() {
        let need = |name: &str, by: &str| Need { name: name.to_owned(), by: by.to_owned() };
        let env = |name: &str| (name == "HAVE").then(|| "x".to_owned());
        let needs = [
            need("OPENAI_API_KEY", "subject \"gpt\""),
            need("HAVE", "subject \"b\""),
            need("ANTHROPIC_API_KEY", "judge \"claude\""),
        ];
        let error = Keyring::new(env).require(&needs).unwrap_err();
        assert!(error.is_missing_secret());
        assert_eq!(
            error.to_string(),
            "secrets are missing: OPENAI_API_KEY (for subject \"gpt\"), ANTHROPIC_API_KEY (for judge \"claude\")"
        );
        let help = error.help_text().unwrap();
        assert!(help.starts_with("set it in the environment (export OPENAI_API_KEY=…)"), "{help}");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let (_dir, path) = file("A = \"hush\"\n", 0o644);
        let error = Keyring::new(NOTHING).with_file(&path).map(drop).unwrap_err().to_string();
        assert!(error.contains("mode 644") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_malformed_file_is_not_quoted() {
        let (_dir, path) = file("A = \"fine\"\nB = hush-hush\n", 0o600);
        let error = Keyring::new(NOTHING).with_file(&path).map(drop).unwrap_err();
        let all = format!("{error} {error:?}");
        assert!(all.contains("line 2") && !all.contains("hush"), "{all}");
    }

    #[test]
    fn no_file_is_an_empty_file() {
        let ring = Keyring::new(NOTHING).with_file(Path::new("/nonexistent/secrets.toml")).unwrap();
        assert_eq!(ring.get("A"), None);
    }
}
