//! What tests in ordinal models with random intercepts count: groups, where a coefficient belongs to them as wholes, or answers.
//!
//! A coefficient of something that belongs to groups as wholes (the condition of a person) is known from as many values as there are
//! groups, however many answers each of them gives. Its t has so many degrees of freedom as groups are left when the coefficients of
//! that kind are counted; one of something that varies within all groups has those of the rows (Schluchter & Elashoff 1990, J. Statist.
//! Comput. Simul. 37:69–87; for generalised linear mixed models Li & Redden 2015, BMC Med. Res. Methodol. 15:38, who find the normal
//! distribution too liberal where groups are few, and this rule the one that keeps its level).
//!
//! Maximum likelihood, too, counts all groups when it estimates how much they vary, as if no coefficient had been taken from them
//! (Harville 1977, JASA 72:320–338), so the standard error of a coefficient of groups as wholes is stretched by √(groups / df). In a
//! balanced linear model that is the very error of restricted maximum likelihood. Within groups the spread of the logistic
//! distribution is given, not estimated, and nothing is stretched. R's package ordinal does neither.

use nalgebra::DMatrix;

/// How a coefficient is tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counted {
    /// Degrees of freedom, at least 1.
    pub df: f64,
    /// What its standard error by maximum likelihood is multiplied by.
    pub stretch: f64,
}

impl Counted {
    /// The normal distribution, and the error as it is.
    pub const ENDLESS: Self = Self { df: f64::INFINITY, stretch: 1.0 };
}

/// For each column of `fixed` (the intercept is none of them). A group is the code of each row and the number of levels.
pub(super) fn between_within(fixed: &DMatrix<f64>, groups: &[(&[u32], usize)]) -> Vec<Counted> {
    let columns = fixed.ncols();
    let column = |c: usize| &fixed.as_slice()[c * fixed.nrows()..(c + 1) * fixed.nrows()];
    let constant: Vec<Vec<bool>> = groups
        .iter()
        .map(|(codes, levels)| (0..columns).map(|c| constant_within(column(c), codes, *levels)).collect())
        .collect();
    let between = |(levels, own): (usize, &Vec<bool>)| {
        let df = (levels as f64 - 1.0 - own.iter().filter(|own| **own).count() as f64).max(1.0);
        Counted { df, stretch: (levels as f64 / df).sqrt() }
    };
    let between: Vec<Counted> = groups.iter().map(|g| g.1).zip(&constant).map(between).collect();
    let varying = (0..columns).filter(|c| constant.iter().all(|own| !own[*c])).count();
    let spent: usize = groups.iter().map(|(_, levels)| levels - 1).sum();
    let within = fixed.nrows() as f64 - 1.0 - spent as f64 - varying as f64;
    let within = Counted { df: within.max(1.0), stretch: 1.0 };
    let of = |c: usize| {
        let groups = between.iter().zip(&constant).filter(|(_, own)| own[c]);
        groups.map(|(counted, _)| *counted).min_by(|a, b| a.df.total_cmp(&b.df)).unwrap_or(within)
    };
    (0..columns).map(of).collect()
}

/// Whether a value is the same in all rows of a group, in every group.
pub(super) fn constant_within<T: PartialEq + Copy>(values: &[T], codes: &[u32], levels: usize) -> bool {
    let mut first = vec![None; levels];
    values.iter().zip(codes).all(|(value, code)| *first[*code as usize].get_or_insert(*value) == *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_groups_is_counted_by_groups() {
        // Six people, four items each; a condition between people, another within them, one constant within items.
        let people: Vec<u32> = (0..24).map(|row| row / 4).collect();
        let items: Vec<u32> = (0..24).map(|row| row % 4).collect();
        let fixed = DMatrix::from_fn(24, 3, |row, column| {
            let on = match column {
                0 => people[row] < 3,
                1 => items[row] < 2,
                _ => (people[row] + items[row]).is_multiple_of(2),
            };
            f64::from(u8::from(on))
        });
        let df = |groups: &[(&[u32], usize)]| -> Vec<f64> {
            between_within(&fixed, groups).iter().map(|counted| counted.df).collect()
        };
        // 6 − 1 − 1; all others are of the rows: 24 − 1 − 5 − 2.
        assert_eq!(df(&[(&people, 6)]), [4.0, 16.0, 16.0]);
        // 6 − 1 − 1; 4 − 1 − 1; 24 − 1 − 5 − 3 − 1 (the third varies within both).
        assert_eq!(df(&[(&people, 6), (&items, 4)]), [4.0, 2.0, 14.0]);
        // 2 − 1 − 1, but never below 1.
        let halves: Vec<u32> = people.iter().map(|person| u32::from(*person < 3)).collect();
        assert_eq!(df(&[(&halves, 2)])[0], 1.0);
        let stretch: Vec<f64> = between_within(&fixed, &[(&people, 6)]).iter().map(|c| c.stretch).collect();
        assert_eq!(stretch, [1.5_f64.sqrt(), 1.0, 1.0]);
    }
}
