//! Weights that are multiplied next are asked for while others are multiplied.
//!
//! A product of few rows waits for memory as long as it computes, and one after the other: the first rows that meet a block of
//! weights wait for it, the others find it in the nearest cache. If all of them ask for a share of the next block on their way, both
//! happen at once. That is a hint; no result depends on it.

/// Bytes that come together.
const LINE: usize = 64;
/// More tiles than this have time enough each; the first so many ask.
const MOST_TILES: usize = 4;

/// Where the weights of a block's next steps lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    pub at: *const u8,
    /// Bytes of a step.
    pub bytes: usize,
    /// Bytes to the same step of the tile's second panel; none where it has one panel.
    pub beside: usize,
    /// Tiles that have asked for their share already.
    pub before: usize,
}

/// What one tile asks for: a line, of each panel, after every so many steps.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "asked for by kernels of one machine alone")
)]
pub(super) struct Ahead {
    pub line: *const u8,
    pub beside: usize,
    pub every: usize,
}

impl Ahead {
    pub(super) const NOTHING: Ahead = Ahead { line: std::ptr::null(), beside: 0, every: 0 };

    /// The share of tile `number` of `tiles`, each of `steps` steps. A single tile asks for nothing: it reads on, which the machine foresees.
    pub(super) fn share(next: Option<Next>, steps: usize, number: usize, tiles: usize) -> Ahead {
        let before = next.map_or(0, |next| next.before);
        let (number, tiles) = (number + before, tiles + before);
        let Some(next) = next.filter(|_| tiles > 1 && number < tiles.min(MOST_TILES)) else {
            return Ahead::NOTHING;
        };
        let every = (tiles.min(MOST_TILES) * LINE / next.bytes).max(1);
        let lines = steps.div_ceil(every);
        Ahead { line: next.at.wrapping_add(number * lines * LINE), beside: next.beside, every }
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn asks(&self) -> bool {
        !self.line.is_null()
    }

    /// The line after this one.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn after(self) -> Ahead {
        Ahead { line: self.line.wrapping_add(LINE), ..self }
    }
}
