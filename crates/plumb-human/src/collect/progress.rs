//! How far a study is, for whoever looks after it: counts, times and where people left. No answers, and nobody's name.

use super::state::{Being, Collection};
use crate::protocol::assign::Arm;
use crate::protocol::person::{End, Screen};

/// How far a study is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Each arm.
    pub arms: Vec<ArmProgress>,
    /// People who came.
    pub arrived: usize,
    /// People before assignment, who have neither ended nor an arm.
    pub before: usize,
    /// How people ended.
    pub ended: Vec<(End, usize)>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmProgress {
    /// The condition's id.
    pub id: String,
    /// Places and people.
    pub counts: Arm,
    /// From the beginning to the end, microseconds, of those who completed; ascending.
    pub took_us: Vec<i64>,
    /// How many pages after assignment those had answered who left; ascending.
    pub left_after: Vec<usize>,
    /// Pages after assignment, of the person who has most.
    pub pages: usize,
}

impl ArmProgress {
    /// The middle of those times; the lower of two.
    pub fn median_us(&self) -> Option<i64> {
        middle(&self.took_us)
    }

    /// After how many pages half of those had left who left; the lower of two.
    pub fn median_left(&self) -> Option<usize> {
        middle(&self.left_after)
    }

    fn new(id: &str, counts: Arm) -> ArmProgress {
        ArmProgress { id: id.to_owned(), counts, took_us: Vec::new(), left_after: Vec::new(), pages: 0 }
    }

    fn count(&mut self, being: &Being, screen: Screen) {
        self.pages = self.pages.max(being.person.sequence().len());
        match screen {
            Screen::End(End::Completed) => {
                self.took_us.extend(being.ended_us.map(|ended| ended - being.begun_us));
            }
            Screen::End(_) => self.left_after.push(being.person.answered()),
            _ => {}
        }
    }
}

fn middle<T: Copy>(ascending: &[T]) -> Option<T> {
    ascending.get(ascending.len().saturating_sub(1) / 2).copied()
}

impl Collection {
    /// How far the study is.
    pub fn progress(&self) -> Progress {
        let mut ended: Vec<(End, usize)> = Vec::new();
        let mut before = 0;
        let mut arms: Vec<ArmProgress> =
            self.arms().map(|(id, counts)| ArmProgress::new(id, counts)).collect();
        for being in self.beings() {
            let screen = being.person.screen(self.course());
            match screen {
                Screen::End(end) => match ended.iter_mut().find(|(known, _)| *known == end) {
                    Some((_, count)) => *count += 1,
                    None => ended.push((end, 1)),
                },
                _ if being.arm.is_none() => before += 1,
                _ => {}
            }
            if let Some(arm) = being.arm.and_then(|arm| arms.get_mut(arm)) {
                arm.count(being, screen);
            }
        }
        for arm in &mut arms {
            arm.took_us.sort_unstable();
            arm.left_after.sort_unstable();
        }
        Progress { arms, arrived: self.beings().len(), before, ended }
    }
}
