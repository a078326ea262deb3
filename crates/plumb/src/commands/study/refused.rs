//! Who is refused because of taking part elsewhere: in the study's own pilot, and in studies that it names.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use plumb_human::collect::{Identity, left_mark};
use plumb_study::Journal;
use plumb_web::{Keys, StudyRefuses};

use super::secret::Secret;
use crate::exit::Problem;
use crate::runs::RunFolder;

/// One run whose people are refused.
struct Elsewhere {
    run: PathBuf,
    /// Nothing before the run has begun.
    journal: Option<(Journal, Keys)>,
    /// How many people of it are known here.
    read: usize,
    ids: HashSet<String>,
    /// What identifiers left that were deleted.
    marks: HashSet<String>,
}

/// Asks the runs of these names each time somebody comes, so that two studies may collect at once.
pub fn refuses(runs: &Path, names: Vec<String>) -> Result<StudyRefuses, Problem> {
    let mut all: Vec<Elsewhere> = Vec::new();
    for name in names {
        let mut one = Elsewhere {
            run: runs.join(name),
            journal: None,
            read: 0,
            ids: HashSet::new(),
            marks: HashSet::new(),
        };
        // A run that cannot be read is told now, not when somebody comes.
        one.refresh()?;
        all.push(one);
    }
    let all = Mutex::new(all);
    Ok(Box::new(move |id| {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        // Where a run cannot be read any more, what is known of it counts.
        all.iter_mut().any(|one| one.has(id))
    }))
}

impl Elsewhere {
    fn has(&mut self, id: &str) -> bool {
        let _ = self.refresh();
        self.ids.contains(id)
            || self.journal.as_ref().is_some_and(|(_, keys)| self.marks.contains(&keys.mark(id)))
    }

    fn refresh(&mut self) -> Result<(), Problem> {
        if self.journal.is_none() {
            let at = RunFolder::named(&self.run);
            if !at.journal.exists() {
                return Ok(());
            }
            let journal = at.open()?;
            let keys = Keys::new(Secret::read(&at.folder, &journal)?.key);
            // Those who were erased before this start; whoever is erased later is in `ids`.
            journal.people(|row| {
                self.marks.extend(left_mark(&row));
                Ok(())
            })?;
            self.journal = Some((journal, keys));
        }
        let Some((journal, _)) = &self.journal else { return Ok(()) };
        let persons = journal.persons_after(self.read)?;
        self.read += persons.len();
        self.ids.extend(
            persons.iter().filter_map(|p| Identity::read(p.identity.as_deref()?).id().map(str::to_owned)),
        );
        Ok(())
    }
}
