//! The work that benches and drills give to plumb: a plan, its items, and what must come back.
//!
//! Every item's text follows from its number and every reply from the text, so that nothing has to
//! be kept to check a run of half a million trials. This is the one place that knows how plans are
//! written.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use plumb_mock::{Dice, Key, reply_text};

use crate::Problem;

pub const TOKENS: u32 = 8;

pub struct Workload {
    /// The plan's name, and so the run's folder.
    pub name: &'static str,
    pub items: u32,
    pub subjects: u32,
    pub base_url: String,
    pub in_flight: u32,
    pub deadline_s: u32,
    /// Requests for one exchange, retries included.
    pub tries: u32,
}

impl Workload {
    pub fn trials(&self) -> u64 {
        u64::from(self.items) * u64::from(self.subjects)
    }

    /// Writes `<name>.toml` and its items into a folder.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, Problem> {
        let wrong = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        let items = folder.join("items.csv");
        let mut out = BufWriter::new(File::create(&items).map_err(|error| wrong(&items, error))?);
        let mut rows = || -> std::io::Result<()> {
            writeln!(out, "id,prompt")?;
            for n in 0..self.items {
                writeln!(out, "{},{}", item_id(n), prompt(n))?;
            }
            out.flush()
        };
        rows().map_err(|error| wrong(&items, error))?;
        let plan = folder.join(format!("{}.toml", self.name));
        std::fs::write(&plan, self.plan()).map_err(|error| wrong(&plan, error))?;
        Ok(plan)
    }

    fn plan(&self) -> String {
        let mut plan = format!(
            "name = \"{}\"\nseed = 7\n\n[[items]]\nid = \"numbers\"\nreader = \"csv\"\npath = \"items.csv\"\n",
            self.name
        );
        for n in 0..self.subjects {
            let subject = format!(
                "\n[[subject]]\nid = \"{id}\"\nkind = \"openai\"\nbase_url = \"{url}\"\nmodel = \"{id}\"\n\
                 factors = {{ model = \"{id}\" }}\nsampling = {{ temperature = 0.0, max_tokens = {TOKENS} }}\n",
                id = subject_id(n),
                url = self.base_url
            );
            plan.push_str(&subject);
        }
        plan.push_str("\n[[judge]]\nid = \"echo\"\nkind = \"match\"\ncontains = \"echo \"\n");
        plan.push_str(
            "\n[[analysis]]\nid = \"echo-rate\"\nof = \"echo.matched\"\nby = [\"model\"]\nmethod = \"rate\"\n",
        );
        let _infallible = write!(
            plan,
            "\n[limits]\nin_flight = {}\ndeadline_s = {}\ntries = {}\n",
            self.in_flight, self.deadline_s, self.tries
        );
        plan
    }

    /// The number of an item by its id, if it is one of ours.
    pub fn item_number(&self, id: &str) -> Option<u32> {
        let n = id.strip_prefix('i')?.parse().ok()?;
        (n < self.items && item_id(n) == id).then_some(n)
    }

    pub fn subject_number(&self, id: &str) -> Option<u32> {
        let n = id.strip_prefix("mock-")?.parse().ok()?;
        (n < self.subjects && subject_id(n) == id).then_some(n)
    }
}

pub fn item_id(n: u32) -> String {
    format!("i{n:06}")
}

pub fn subject_id(n: u32) -> String {
    format!("mock-{n}")
}

/// About thirty tokens, no comma and no quote, so that it is a CSV field as it stands.
pub fn prompt(n: u32) -> String {
    let mut dice = Dice::new(u64::from(n));
    let (a, b) = (dice.below(10_000), dice.below(10_000));
    format!(
        "Item {n}: a wall of {a} stones leans by {b} tenths of a degree. Say in a few words what a plumb line \
         beside it would show and why."
    )
}

/// The mock's answer to item `n`.
pub fn reply(n: u32) -> String {
    reply_text(&prompt(n), TOKENS)
}

/// What the mock counts trial (item `n`, subject `s`) under.
pub fn key(n: u32, subject: u32) -> Key {
    Key::of(&subject_id(subject), &[("user", &prompt(n))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload() -> Workload {
        Workload {
            name: "w",
            items: 12,
            subjects: 2,
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            in_flight: 4,
            deadline_s: 5,
            tries: 2,
        }
    }

    #[test]
    fn the_plan_is_toml_and_the_items_are_plain_csv() {
        let folder = tempfile::tempdir().unwrap();
        let plan = workload().write(folder.path()).unwrap();
        let plan: toml::Table = std::fs::read_to_string(plan).unwrap().parse().unwrap();
        assert_eq!(plan["subject"].as_array().map(Vec::len), Some(2));
        let items = std::fs::read_to_string(folder.path().join("items.csv")).unwrap();
        assert_eq!(items.lines().count(), 13);
        assert!(items.lines().all(|line| line.matches(',').count() == 1 && !line.contains('"')));
    }

    #[test]
    fn ids_read_back() {
        let workload = workload();
        assert_eq!(workload.item_number(&item_id(11)), Some(11));
        assert_eq!(workload.item_number(&item_id(12)), None);
        assert_eq!(workload.subject_number(&subject_id(1)), Some(1));
        assert_eq!(workload.subject_number("mock-2"), None);
    }
}
