//! Packed weights as kernels see them that widen them in registers.

use half::{bf16, f16};

/// Panels as they are stored, for kernels that widen weights in registers.
#[derive(Debug)]
pub(super) enum Raw {
    F16(*const f16),
    Bf16(*const bf16),
    /// `minima` is null if there are none.
    Codes {
        quants: *const i8,
        scales: *const f32,
        minima: *const f32,
        run: usize,
    },
}

/// Forms of weights by number, for which kernels are compiled.
pub(super) const F16: u8 = 0;
pub(super) const BF16: u8 = 1;
pub(super) const CODES: u8 = 2;
pub(super) const CODES_AND_MINIMA: u8 = 3;

impl Raw {
    /// The number of its form.
    pub(super) fn form(&self) -> u8 {
        match self {
            Self::F16(_) => F16,
            Self::Bf16(_) => BF16,
            Self::Codes { minima, .. } if minima.is_null() => CODES,
            Self::Codes { .. } => CODES_AND_MINIMA,
        }
    }

    /// Where the numbers begin, and how many steps share what stands beside them; all of `depth` where nothing does.
    pub(super) fn base_and_run(&self, depth: usize) -> (*const u8, usize) {
        match self {
            Self::F16(values) => (values.cast(), depth),
            Self::Bf16(values) => (values.cast(), depth),
            Self::Codes { quants, run, .. } => (quants.cast(), *run),
        }
    }
}

/// Calls the macro `one` with the number of the form that `raw` has, so that a kernel is compiled for each.
macro_rules! by_form {
    ($raw:ident, $one:ident) => {
        match $raw.form() {
            F16 => $one!(F16),
            BF16 => $one!(BF16),
            CODES => $one!(CODES),
            _ => $one!(CODES_AND_MINIMA),
        }
    };
}
pub(super) use by_form;
