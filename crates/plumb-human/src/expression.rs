//! Outcomes as expressions over measures: `abs(final - model)`, `abs(final - first) / abs(model - first)`.
//!
//! Values are whole steps of their unit, so that a denominator is zero exactly where two answers are the same.
//! Comparisons (`<`, `>`, `==`) give 1 or 0.

use crate::error::{Error, Result};

/// An expression whose names are resolved to columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Number(f64),
    Column(usize),
    Negative(Box<Expression>),
    Absolute(Box<Expression>),
    Binary(char, Box<Expression>, Box<Expression>),
}

/// Why a row has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoValue {
    /// The column has none in this row.
    Column(usize),
    /// A denominator is zero.
    Denominator,
}

impl Expression {
    /// Reads `text`; `columns` are the names that may occur.
    pub fn parse(text: &str, columns: &[&str]) -> Result<Expression> {
        let mut reader = Reader { text, rest: text, columns };
        let expression = reader.comparison()?;
        match reader.peek() {
            None => Ok(expression),
            Some(c) => Err(reader.wrong(&format!("{c} was not expected"))),
        }
    }

    /// The value in a row.
    pub fn value(&self, column: &impl Fn(usize) -> Option<i64>) -> std::result::Result<f64, NoValue> {
        Ok(match self {
            Expression::Number(x) => *x,
            Expression::Column(at) => column(*at).ok_or(NoValue::Column(*at))? as f64,
            Expression::Negative(e) => -e.value(column)?,
            Expression::Absolute(e) => e.value(column)?.abs(),
            Expression::Binary(sign, a, b) => {
                let (a, b) = (a.value(column)?, b.value(column)?);
                match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    '<' => f64::from(u8::from(a < b)),
                    '>' => f64::from(u8::from(a > b)),
                    '=' => f64::from(u8::from(a == b)),
                    _ if b == 0.0 => return Err(NoValue::Denominator),
                    _ => a / b,
                }
            }
        })
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    columns: &'a [&'a str],
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, sign: &str) -> bool {
        self.peek();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(format!("\"{}\": {what}", self.text))
    }

    fn comparison(&mut self) -> Result<Expression> {
        let left = self.sum()?;
        for (sign, name) in [("==", '='), ("<", '<'), (">", '>')] {
            if self.take(sign) {
                return Ok(Expression::Binary(name, Box::new(left), Box::new(self.sum()?)));
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expression> {
        let mut left = self.product()?;
        loop {
            let sign = if self.take("+") {
                '+'
            } else if self.take("-") {
                '-'
            } else {
                return Ok(left);
            };
            left = Expression::Binary(sign, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression> {
        let mut left = self.factor()?;
        loop {
            let sign = if self.take("*") {
                '*'
            } else if self.take("/") {
                '/'
            } else {
                return Ok(left);
            };
            left = Expression::Binary(sign, Box::new(left), Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Result<Expression> {
        if self.take("-") {
            return Ok(Expression::Negative(Box::new(self.factor()?)));
        }
        if self.take("(") {
            return self.closed();
        }
        self.peek();
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(self.wrong("a measure, a number or ( was expected"));
        }
        self.rest = rest;
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return word
                .parse()
                .map(Expression::Number)
                .map_err(|_| self.wrong(&format!("{word} is no number")));
        }
        if word == "abs" && self.take("(") {
            return Ok(Expression::Absolute(Box::new(self.closed()?)));
        }
        match self.columns.iter().position(|c| *c == word) {
            Some(at) => Ok(Expression::Column(at)),
            None => {
                Err(self.wrong(&format!("there is no measure {word}; there are {}", self.columns.join(", "))))
            }
        }
    }

    fn closed(&mut self) -> Result<Expression> {
        let inside = self.comparison()?;
        if self.take(")") { Ok(inside) } else { Err(self.wrong("a ) is missing")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: std::result::Result<f64, NoValue>) {
        let columns = ["model", "first", "final", "gap"];
        let values = [Some(12), Some(8), Some(10), None];
        let expression = Expression::parse(text, &columns).unwrap();
        assert_eq!(expression.value(&|at| values[at]), wanted, "{text}");
    }

    #[test]
    fn expressions_have_values_or_reasons() {
        check("abs(final - model)", Ok(2.0));
        check("abs(final - first) / abs(model - first)", Ok(0.5));
        check("-(first - 2) * 3 + 1", Ok(-17.0));
        check("first < model", Ok(1.0));
        check("(first > model) + (first == 8)", Ok(1.0));
        check("final / (first - 8)", Err(NoValue::Denominator));
        check("final - gap", Err(NoValue::Column(3)));
    }

    #[test]
    fn faults_name_what_was_expected() {
        for (text, wanted) in [
            ("final -", "was expected"),
            ("abs(final", ") is missing"),
            ("price", "there is no measure price"),
            ("final final", "f was not expected"),
            ("2x", "no number"),
        ] {
            let message = Expression::parse(text, &["final"]).unwrap_err().to_string();
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }
}
