//! What a study's server must keep for itself: the seed of assignment and the key of links, in a file of the run's folder
//! that only its owner reads. The journal holds the seed's hash.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use plumb_human::protocol::assign::commitment;
use plumb_study::Journal;
use plumb_study::people::Collecting;

use crate::exit::Problem;

/// Its name in the run's folder.
pub const FILE: &str = "study.secret";

/// Seed and key.
pub struct Secret {
    pub seed: [u8; 32],
    pub key: [u8; 32],
}

impl Secret {
    /// Draws one and writes it down before anybody comes.
    pub fn draw(folder: &Path) -> Result<Secret, Problem> {
        let mut secret = Secret { seed: [0; 32], key: [0; 32] };
        for part in [&mut secret.seed, &mut secret.key] {
            getrandom::fill(part).map_err(|e| Problem::new(format!("no random numbers: {e}")))?;
        }
        let path = folder.join(FILE);
        let io = || Problem::io(&path);
        let mut file =
            std::fs::File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(io())?;
        let text = format!(
            "# Whoever has this file can open every participant's page and foresee who gets which condition.\n{}\n{}\n",
            hex(&secret.seed),
            hex(&secret.key)
        );
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io())?;
        Ok(secret)
    }

    /// Reads the one that the run began with.
    pub fn read(folder: &Path, journal: &Journal) -> Result<Secret, Problem> {
        let path = folder.join(FILE);
        let help = "put the file back that was there when the study began: without it nobody can go on, and assignment \
                    cannot be continued";
        let text = std::fs::read_to_string(&path).map_err(|e| Problem::io(&path)(e).help(help))?;
        let mut lines = text.lines().filter(|line| !line.starts_with('#')).map(bytes);
        let (Some(Some(seed)), Some(Some(key))) = (lines.next(), lines.next()) else {
            return Err(Problem::new(format!("{}: holds no seed and key", path.display())).help(help));
        };
        let committed = journal.collecting()?.into_iter().find_map(|(_, event)| match event {
            Collecting::Opened { commitment, .. } => Some(commitment),
            _ => None,
        });
        if committed.is_some_and(|committed| *committed != *commitment(&seed)) {
            return Err(Problem::new(format!(
                "{}: the seed is not the one whose hash the journal holds",
                path.display()
            ))
            .help(help));
        }
        Ok(Secret { seed, key })
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(line: &str) -> Option<[u8; 32]> {
    plumb_study::Digest::from_hex(line.trim()).map(|digest| digest.0)
}
