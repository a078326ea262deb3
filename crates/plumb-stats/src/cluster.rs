//! Rows summed by cluster and cell: all that the bootstrap and the sandwich estimator ever look at.
//!
//! A *row* is one judged answer. A *cluster* is what was drawn at random and repeats (an item, a contrast pair, a
//! person). A *cell* is one combination of the factors being compared. Each row adds a numerator and a denominator to
//! its cluster × cell: (value, 1) for a mean, (x, y) for a ratio of sums.
//!
//! Clusters with identical sums are stored once with a count. A run of 500,000 yes/no answers has a few hundred
//! distinct clusters, and resampling works on those.
//!
//! Not here: drawing (`resample`), standard errors (`linear`).

use std::collections::HashMap;

use crate::{Error, Undefined};

/// Collects rows in any order of clusters. Sums of floating-point values follow the order of `add`, so add rows in a
/// fixed order (trial keys) to get the same last digit every time.
#[derive(Debug, Clone)]
pub struct ClusterRows {
    cells: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    cluster: u32,
    cell: u32,
    numerator: f64,
    denominator: f64,
}

impl ClusterRows {
    /// `cells`: how many cells there are; cells without rows are allowed.
    pub fn new(cells: usize) -> Self {
        Self { cells, rows: Vec::new() }
    }

    /// Adds one value to the mean of `cell`. Cluster numbers are the caller's, need not be dense, and only say which
    /// rows belong together.
    ///
    /// # Errors
    /// The cell does not exist, or the value is not finite.
    pub fn add(&mut self, cluster: u32, cell: usize, value: f64) -> Result<(), Error> {
        self.add_ratio(cluster, cell, value, 1.0)
    }

    /// Adds to the numerator and the denominator of `cell`, for ratios of sums and weighted means.
    ///
    /// # Errors
    /// As [`add`](Self::add), or the denominator is not positive.
    pub fn add_ratio(
        &mut self,
        cluster: u32,
        cell: usize,
        numerator: f64,
        denominator: f64,
    ) -> Result<(), Error> {
        if cell >= self.cells {
            return Err(Error::cell(cell, self.cells));
        }
        if !numerator.is_finite() || !denominator.is_finite() {
            return Err(Error::not_finite("a value"));
        }
        if denominator <= 0.0 {
            return Err(Error::denominator(denominator));
        }
        let cell = u32::try_from(cell).map_err(|_| Error::too_many("cells"))?;
        self.rows.push(Row { cluster, cell, numerator, denominator });
        Ok(())
    }

    /// Sums the rows.
    ///
    /// # Errors
    /// More rows than a `u32` can count.
    pub fn build(mut self) -> Result<ClusterSums, Error> {
        if u32::try_from(self.rows.len()).is_err() {
            return Err(Error::too_many("rows"));
        }
        let rows = self.rows.len();
        self.rows.sort_by_key(|r| (r.cluster, r.cell));
        let mut sums =
            ClusterSums { rows, patterns: Vec::new(), of: Vec::new(), totals: Vec::new(), facts: Vec::new() };
        let mut known: HashMap<Vec<(u32, u64, u64)>, u32> = HashMap::new();
        for cluster in self.rows.chunk_by(|a, b| a.cluster == b.cluster) {
            let entries = sum_cells(cluster);
            let key =
                entries.iter().map(|e| (e.cell, e.numerator.to_bits(), e.denominator.to_bits())).collect();
            let next = sums.patterns.len() as u32;
            let pattern = *known.entry(key).or_insert(next);
            if pattern == next {
                sums.patterns.push(Pattern { entries, members: 0 });
            }
            sums.patterns[pattern as usize].members += 1;
            sums.of.push(pattern);
        }
        sums.totals = sum_patterns(&sums.patterns, self.cells);
        sums.facts = cell_facts(&sums.patterns, &sums.totals);
        Ok(sums)
    }
}

fn sum_cells(cluster: &[Row]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for row in cluster {
        match entries.last_mut() {
            Some(last) if last.cell == row.cell => {
                last.numerator += row.numerator;
                last.denominator += row.denominator;
            }
            _ => {
                entries.push(Entry { cell: row.cell, numerator: row.numerator, denominator: row.denominator })
            }
        }
    }
    entries
}

fn sum_patterns(patterns: &[Pattern], cells: usize) -> Vec<CellTotal> {
    let mut totals = vec![CellTotal::default(); cells];
    for pattern in patterns {
        pattern.add_to(&mut totals, f64::from(pattern.members));
    }
    totals
}

fn cell_facts(patterns: &[Pattern], totals: &[CellTotal]) -> Vec<CellFacts> {
    let mut facts = vec![CellFacts { clusters: 0, constant: true }; totals.len()];
    for pattern in patterns {
        for e in &pattern.entries {
            let cell = e.cell as usize;
            facts[cell].clusters += pattern.members as usize;
            if let Some(mean) = totals[cell].ratio() {
                let scale = e.numerator.abs().max(mean.abs() * e.denominator);
                // Equal ratios differ by rounding where sums are not whole numbers.
                facts[cell].constant &= (e.numerator - mean * e.denominator).abs() <= 1e-12 * scale;
            }
        }
    }
    facts
}

#[derive(Debug, Clone, Copy)]
struct CellFacts {
    clusters: usize,
    constant: bool,
}

/// What one cluster adds to one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Entry {
    pub cell: u32,
    pub numerator: f64,
    pub denominator: f64,
}

/// A distinct cluster and how many clusters are exactly like it.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub entries: Vec<Entry>,
    pub members: u32,
}

impl Pattern {
    pub(crate) fn add_to(&self, totals: &mut [CellTotal], times: f64) {
        for e in &self.entries {
            totals[e.cell as usize].numerator += times * e.numerator;
            totals[e.cell as usize].denominator += times * e.denominator;
        }
    }
}

/// Sums of one cell over all clusters (or over one resample of them).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CellTotal {
    pub numerator: f64,
    pub denominator: f64,
}

impl CellTotal {
    /// numerator / denominator; `None` where nothing reached the cell.
    pub fn ratio(&self) -> Option<f64> {
        (self.denominator > 0.0).then(|| self.numerator / self.denominator)
    }
}

/// Rows summed by cluster and cell. Made by [`ClusterRows::build`].
#[derive(Debug, Clone)]
pub struct ClusterSums {
    rows: usize,
    pub(crate) patterns: Vec<Pattern>,
    /// For each cluster, in order of its number, its pattern.
    pub(crate) of: Vec<u32>,
    totals: Vec<CellTotal>,
    facts: Vec<CellFacts>,
}

impl ClusterSums {
    pub fn cells(&self) -> usize {
        self.totals.len()
    }

    /// Rows added.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Clusters with at least one row.
    pub fn clusters(&self) -> usize {
        self.of.len()
    }

    /// Totals by cell.
    pub fn totals(&self) -> &[CellTotal] {
        &self.totals
    }

    /// The mean (ratio of sums) of a cell.
    ///
    /// # Errors
    /// The cell does not exist (outer) or has no rows (inner).
    pub fn mean(&self, cell: usize) -> Result<Result<f64, Undefined>, Error> {
        let total = self.totals.get(cell).ok_or_else(|| Error::cell(cell, self.totals.len()))?;
        Ok(total.ratio().ok_or(Undefined::NoData))
    }

    /// Clusters that have rows in `cell`; 0 for a cell that does not exist.
    pub fn clusters_in(&self, cell: usize) -> usize {
        self.facts.get(cell).map_or(0, |f| f.clusters)
    }

    /// Whether every cluster with rows in `cell` has the same ratio there (up to rounding); true without rows.
    pub(crate) fn is_constant(&self, cell: usize) -> bool {
        self.facts.get(cell).is_none_or(|f| f.constant)
    }

    /// The total of a cell without one cluster's entry.
    pub(crate) fn total_without(&self, entry: &Entry) -> CellTotal {
        let total = self.totals[entry.cell as usize];
        // Subtraction could leave rounding behind where the cell becomes empty.
        if self.clusters_in(entry.cell as usize) <= 1 {
            return CellTotal::default();
        }
        CellTotal {
            numerator: total.numerator - entry.numerator,
            denominator: total.denominator - entry.denominator,
        }
    }
}
