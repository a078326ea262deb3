//! Degrees of freedom of tests in ordinal models with random intercepts: between and within.
//!
//! A coefficient of something that belongs to groups as wholes (the condition of a person) is known from as many values as there are
//! groups, however many answers each of them gives. Its t has so many degrees of freedom as groups are left when the coefficients of
//! that kind are counted; one of something that varies within all groups has those of the rows (Schluchter & Elashoff 1990, J. Statist.
//! Comput. Simul. 37:69–87; for generalised linear mixed models Li & Redden 2015, BMC Med. Res. Methodol. 15:38, who find the normal
//! distribution too liberal where groups are few, and this rule the one that keeps its level). R's package ordinal takes the normal
//! distribution.

use nalgebra::DMatrix;

/// For each column of `fixed` (the intercept is none of them) its degrees of freedom, at least 1. A group is the code of each row and
/// the number of levels.
pub(super) fn between_within(fixed: &DMatrix<f64>, groups: &[(&[u32], usize)]) -> Vec<f64> {
    let columns = fixed.ncols();
    let constant: Vec<Vec<bool>> = groups
        .iter()
        .map(|(codes, levels)| (0..columns).map(|c| constant_within(fixed, c, codes, *levels)).collect())
        .collect();
    let between: Vec<f64> = groups
        .iter()
        .zip(&constant)
        .map(|((_, levels), own)| *levels as f64 - 1.0 - own.iter().filter(|own| **own).count() as f64)
        .collect();
    let varying = (0..columns).filter(|c| constant.iter().all(|own| !own[*c])).count();
    let spent: usize = groups.iter().map(|(_, levels)| levels - 1).sum();
    let within = fixed.nrows() as f64 - 1.0 - spent as f64 - varying as f64;
    let of = |c: usize| {
        let groups = constant.iter().zip(&between).filter(|(own, _)| own[c]);
        groups.map(|(_, df)| *df).fold(f64::INFINITY, f64::min)
    };
    (0..columns).map(|c| if of(c).is_finite() { of(c) } else { within }.max(1.0)).collect()
}

fn constant_within(fixed: &DMatrix<f64>, column: usize, codes: &[u32], levels: usize) -> bool {
    let mut first = vec![None; levels];
    fixed
        .column(column)
        .iter()
        .zip(codes)
        .all(|(value, code)| *first[*code as usize].get_or_insert(*value) == *value)
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
        // 6 − 1 − 1; all others are of the rows: 24 − 1 − 5 − 2.
        assert_eq!(between_within(&fixed, &[(&people, 6)]), [4.0, 16.0, 16.0]);
        // 6 − 1 − 1; 4 − 1 − 1; 24 − 1 − 5 − 3 − 1 (the third varies within both).
        assert_eq!(between_within(&fixed, &[(&people, 6), (&items, 4)]), [4.0, 2.0, 14.0]);
        // 2 − 1 − 1, but never below 1.
        let halves: Vec<u32> = people.iter().map(|person| u32::from(*person < 3)).collect();
        assert_eq!(between_within(&fixed, &[(&halves, 2)])[0], 1.0);
    }
}
