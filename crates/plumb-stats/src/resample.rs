//! The cluster bootstrap: clusters drawn with replacement, all cells summed again, many times.
//!
//! One [`Resample`] serves every estimate of a report: the replicates hold the sums of all cells jointly, so a rate, a
//! difference and an agreement come from the same draws. Replicate r uses stream r of ChaCha8 under the caller's
//! seed, so the result depends on the seed and the data alone, not on the number of threads.
//!
//! Clusters are drawn from all clusters together, whatever cells they touch (Davison & Hinkley 1997, §3.8): where
//! clusters are nested in cells, cell sizes vary between replicates as they would in a new sample.
//!
//! Not here: turning replicates into intervals (`bca`) and the choice of a method (`choose`).

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::{CellTotal, ClusterSums, Error};

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    /// From the plan; the same seed and data give the same replicates.
    pub seed: u64,
    /// Number of replicates, at least 100. 2,000 give the bounds of a 95 % interval to about 0.1 standard errors;
    /// p-values cannot fall below 1/(replicates + 1), so many hypotheses need more.
    pub replicates: u32,
}

impl Draws {
    /// 5,000 replicates.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            replicates: 5_000,
        }
    }
}

/// Bootstrap replicates of all cell totals of one [`ClusterSums`].
#[derive(Debug, Clone)]
pub struct Resample<'a> {
    pub(crate) sums: &'a ClusterSums,
    /// Replicates × cells, row by row.
    totals: Vec<CellTotal>,
    replicates: u32,
}

impl<'a> Resample<'a> {
    /// Draws the replicates. Costs clusters × replicates draws and keeps 16 bytes for each cell and replicate.
    ///
    /// # Errors
    /// Fewer than 100 replicates.
    pub fn draw(sums: &'a ClusterSums, draws: Draws) -> Result<Self, Error> {
        if draws.replicates < 100 {
            return Err(Error::replicates());
        }
        let cells = sums.cells();
        let mut totals = vec![CellTotal::default(); cells * draws.replicates as usize];
        if cells > 0 && sums.clusters() > 0 {
            totals.par_chunks_mut(cells).enumerate().for_each_init(
                || vec![0_u32; sums.patterns.len()],
                |counts, (replicate, totals)| {
                    let mut rng = ChaCha8Rng::seed_from_u64(draws.seed);
                    rng.set_stream(replicate as u64);
                    draw_counts(&mut rng, &sums.of, counts);
                    for (pattern, count) in sums.patterns.iter().zip(counts) {
                        if *count > 0 {
                            pattern.add_to(totals, f64::from(*count));
                        }
                    }
                },
            );
        }
        Ok(Self {
            sums,
            totals,
            replicates: draws.replicates,
        })
    }

    /// The number of replicates.
    pub fn replicates(&self) -> u32 {
        self.replicates
    }

    /// The data that were resampled.
    pub fn sums(&self) -> &'a ClusterSums {
        self.sums
    }

    /// `statistic` in every replicate, in order; replicates where it has no value are left out.
    pub fn values(&self, statistic: impl Fn(&[CellTotal]) -> Option<f64>) -> Vec<f64> {
        let cells = self.sums.cells().max(1);
        self.totals
            .chunks(cells)
            .filter_map(|t| statistic(t).filter(|v| v.is_finite()))
            .collect()
    }
}

/// One resample: how often each pattern was drawn in as many draws as there are clusters.
fn draw_counts(rng: &mut ChaCha8Rng, of: &[u32], counts: &mut [u32]) {
    counts.fill(0);
    let n = of.len() as u32;
    for _ in 0..n {
        counts[of[below(rng, n) as usize] as usize] += 1;
    }
}

/// A uniform draw from 0..n without bias, n > 0 (Lemire 2019, ACM TOMACS 29:3).
fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    let mut product = u64::from(rng.next_u32()) * u64::from(n);
    if (product as u32) < n {
        let reject = n.wrapping_neg() % n;
        while (product as u32) < reject {
            product = u64::from(rng.next_u32()) * u64::from(n);
        }
    }
    (product >> 32) as u32
}
