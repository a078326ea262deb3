//! A calendar day, because some templates name today's: it is given with the request, so that a prompt can be rebuilt.

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date {
    /// Year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Date {
    /// Days after Sunday. Sakamoto's method.
    fn weekday(self) -> usize {
        const OFFSETS: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 { self.year - 1 } else { self.year };
        let offset = OFFSETS[self.month_index()];
        let days = year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + offset;
        (days + i32::from(self.day)).rem_euclid(7) as usize
    }

    fn month_index(self) -> usize {
        usize::from(self.month.clamp(1, 12)) - 1
    }

    /// Python's `strftime` for the parts of a date: `%Y %y %m %d %B %b %A %a %F %%`; other parts stay as written.
    pub(super) fn format(self, format: &str) -> String {
        let mut out = String::new();
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                out.push(character);
                continue;
            }
            match characters.next() {
                Some('Y') => out += &format!("{:04}", self.year),
                Some('y') => out += &format!("{:02}", self.year.rem_euclid(100)),
                Some('m') => out += &format!("{:02}", self.month),
                Some('d') => out += &format!("{:02}", self.day),
                Some('F') => out += &format!("{:04}-{:02}-{:02}", self.year, self.month, self.day),
                Some('B') => out += MONTHS[self.month_index()],
                Some('b') => out += &MONTHS[self.month_index()][..3],
                Some('A') => out += DAYS[self.weekday()],
                Some('a') => out += &DAYS[self.weekday()][..3],
                Some('%') => out.push('%'),
                Some(other) => out.extend(['%', other]),
                None => out.push('%'),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let date = Date { year: 2026, month: 11, day: 25 };
        assert_eq!(
            date.format("%A %a %d %B %b %y %Y %m %F %% %H %"),
            "Wednesday Wed 25 November Nov 26 2026 11 2026-11-25 % %H %"
        );
        assert_eq!(Date { year: 2000, month: 2, day: 29 }.format("%A"), "Tuesday");
    }
}
