//! How many items there are in which cell.

use crate::design::Design;
use crate::generate::Generated;
use crate::taxonomy::Taxonomy;
use std::collections::HashMap;

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct CellKey<'a> {
    hazard: &'a str,
    persona: &'a str,
    interaction: &'a str,
}

/// Numbers of items by hazard, persona and interaction type, counted from the items themselves.
#[derive(Debug, Clone, Default)]
pub struct Counts<'a> {
    cells: HashMap<CellKey<'a>, usize>,
}

impl<'a> Counts<'a> {
    /// Counts items.
    pub fn of(items: &'a [Generated]) -> Counts<'a> {
        let mut cells = HashMap::new();
        for item in items {
            let key =
                CellKey { hazard: &item.hazard, persona: &item.persona, interaction: &item.interaction };
            *cells.entry(key).or_insert(0) += 1;
        }
        Counts { cells }
    }

    /// Items of a cell.
    pub fn cell(&self, hazard: &str, persona: &str, interaction: &str) -> usize {
        self.cells.get(&CellKey { hazard, persona, interaction }).copied().unwrap_or(0)
    }

    /// Items of a hazard and a persona.
    pub fn row(&self, hazard: &str, persona: &str) -> usize {
        self.sum(|k| k.hazard == hazard && k.persona == persona)
    }

    /// Items of an interaction type.
    pub fn column(&self, interaction: &str) -> usize {
        self.sum(|k| k.interaction == interaction)
    }

    /// All items.
    pub fn total(&self) -> usize {
        self.sum(|_| true)
    }

    fn sum(&self, holds: impl Fn(&CellKey) -> bool) -> usize {
        self.cells.iter().filter(|(key, _)| holds(key)).map(|(_, n)| n).sum()
    }

    /// Hazards and personas that have items, in the order of the taxonomy.
    pub fn rows<'t>(&self, taxonomy: &'t Taxonomy) -> Vec<(&'t str, &'t str)> {
        let pairs = taxonomy
            .hazards
            .iter()
            .flat_map(|h| taxonomy.personas.iter().map(move |p| (h.key.as_str(), p.key.as_str())));
        pairs.filter(|(hazard, persona)| self.row(hazard, persona) > 0).collect()
    }

    /// Interaction types that have items, in the order of the design.
    pub fn columns<'d>(&self, design: &'d Design) -> Vec<&'d str> {
        design.interactions.iter().map(|i| i.key.as_str()).filter(|key| self.column(key) > 0).collect()
    }
}
