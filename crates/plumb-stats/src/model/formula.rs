//! Model formulas in the notation of Wilkinson & Rogers (1973, Applied Statistics 22:392–399), as R and lme4 write
//! them: `y ~ a * b + x + (1 | person) + (1 + x || item)`.
//!
//! | written | means |
//! |---|---|
//! | `a + b`, `a - b` | both terms; the first without the second |
//! | `a:b`, `a * b`, `a / b` | interaction; `a + b + a:b`; `a + a:b` |
//! | `0 +`, `- 1` | no intercept |
//! | `(x \| g)`, `(1 \| g)`, `(0 + x \| g)` | effects that vary with g, correlated within a group |
//! | `(x \|\| g)` | the same without correlation |
//! | `(1 \| a/b)`, `(1 \| a:b)` | b within a: `(1 \| a) + (1 \| a:b)`; groups are pairs of levels |
//!
//! Names hold letters, digits, `_` and `.`; anything else goes between backticks. Functions of columns are not part
//! of the notation: make the column first.

use std::fmt;
use std::sync::Arc;

use crate::Error;

/// The variables that a term multiplies; empty for the intercept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Term(pub Vec<Arc<str>>);

impl Term {
    fn same(&self, other: &Term) -> bool {
        self.0.len() == other.0.len() && self.within(other)
    }

    /// Whether every variable of this term is one of the other's.
    pub fn within(&self, other: &Term) -> bool {
        self.0.iter().all(|v| other.0.contains(v))
    }

    fn times(&self, other: &Term) -> Term {
        let mut all = self.0.clone();
        all.extend(other.0.iter().filter(|v| !self.0.contains(v)).cloned());
        Term(all)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("(Intercept)") } else { f.write_str(&self.0.join(":")) }
    }
}

/// Effects that vary with a grouping factor.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomTerm {
    /// What varies, the intercept as an empty term.
    pub terms: Vec<Term>,
    /// Variables whose combined levels make the groups.
    pub group: Term,
    /// False for `||`.
    pub correlated: bool,
}

/// A formula taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// The column on the left.
    pub response: Arc<str>,
    /// Fixed terms, the intercept (if any) first, then by number of variables.
    pub fixed: Vec<Term>,
    /// Random terms in the order written.
    pub random: Vec<RandomTerm>,
    text: Arc<str>,
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Formula {
    /// # Errors
    /// The text is not a formula; the message shows what was expected and where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut reader = Reader { tokens: tokens(text)?, at: 0, text, random: Vec::new() };
        let Some(Token::Name(response)) = reader.next() else {
            return Err(reader.wrong("a formula begins with the name of its response"));
        };
        if reader.next() != Some(Token::Sign('~')) {
            return Err(reader.wrong("~ must follow the response"));
        }
        let fixed = reader.sum(true)?;
        if reader.at < reader.tokens.len() {
            return Err(reader.wrong("nothing more was expected"));
        }
        Ok(Self { response, fixed, random: reader.random, text: text.trim().into() })
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(Arc<str>),
    Number(u8),
    Sign(char),
    DoubleBar,
}

fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut list = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            c if c.is_whitespace() => c.len_utf8(),
            '`' => {
                let end = rest[1..]
                    .find('`')
                    .ok_or_else(|| Error::model(format!("{text}: a backtick is not closed")))?;
                list.push(Token::Name(rest[1..=end].into()));
                end + 2
            }
            '|' if rest.starts_with("||") => {
                list.push(Token::DoubleBar);
                2
            }
            '~' | '+' | '-' | '*' | '/' | ':' | '(' | ')' | '|' => {
                list.push(Token::Sign(c));
                1
            }
            '0' | '1' if !rest[1..].starts_with(|n: char| n.is_alphanumeric() || n == '.') => {
                list.push(Token::Number(u8::from(c == '1')));
                1
            }
            c if c.is_alphabetic() || c == '_' || c == '.' => {
                let end =
                    rest.find(|n: char| !(n.is_alphanumeric() || n == '_' || n == '.')).unwrap_or(rest.len());
                list.push(Token::Name(rest[..end].into()));
                end
            }
            c => {
                return Err(Error::model(format!(
                    "{text}: {c} is no part of a formula; names with it go between backticks"
                )));
            }
        };
        rest = &rest[length..];
    }
    Ok(list)
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    text: &'a str,
    random: Vec<RandomTerm>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, sign: char) -> bool {
        let there = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(there);
        there
    }

    fn wrong(&self, what: &str) -> Error {
        Error::model(format!("{}: {what} (at part {})", self.text, self.at.max(1)))
    }

    /// Terms with `+` and `-`; an intercept is there unless taken out. Sorted by the number of variables.
    fn sum(&mut self, intercept: bool) -> Result<Vec<Term>, Error> {
        let mut terms: Vec<Term> = if intercept { vec![Term::default()] } else { Vec::new() };
        let mut minus = self.take('-');
        loop {
            if self.tokens.get(self.at) == Some(&Token::Number(0)) {
                self.at += 1;
                terms.retain(|t| !t.0.is_empty());
            } else {
                for term in self.product()? {
                    if minus {
                        terms.retain(|t| !t.same(&term));
                    } else if !terms.iter().any(|t| t.same(&term)) {
                        terms.push(term);
                    }
                }
            }
            minus = if self.take('+') {
                false
            } else if self.take('-') {
                true
            } else {
                break;
            };
        }
        terms.sort_by_key(|t| t.0.len());
        Ok(terms)
    }

    fn product(&mut self) -> Result<Vec<Term>, Error> {
        let mut left = self.interaction()?;
        loop {
            let cross = if self.take('*') {
                true
            } else if self.take('/') {
                false
            } else {
                return Ok(left);
            };
            let right = self.interaction()?;
            let mut all = left.clone();
            if cross {
                all.extend(right.iter().cloned());
                all.extend(left.iter().flat_map(|a| right.iter().map(|b| a.times(b))));
            } else {
                let whole = left.iter().fold(Term::default(), |a, b| a.times(b));
                all.extend(right.iter().map(|b| whole.times(b)));
            }
            left = all;
        }
    }

    fn interaction(&mut self) -> Result<Vec<Term>, Error> {
        let mut left = self.primary()?;
        while self.take(':') {
            let right = self.primary()?;
            left = left.iter().flat_map(|a| right.iter().map(|b| a.times(b))).collect();
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Vec<Term>, Error> {
        match self.next() {
            Some(Token::Name(name)) if self.tokens.get(self.at) == Some(&Token::Sign('(')) => {
                Err(self.wrong(&format!("functions such as {name}(…) are not read; make the column first")))
            }
            Some(Token::Name(name)) => Ok(vec![Term(vec![name])]),
            Some(Token::Number(1)) => Ok(vec![Term::default()]),
            Some(Token::Sign('(')) => self.bracket(),
            _ => Err(self.wrong("a name, 1, or ( was expected")),
        }
    }

    /// After `(`: a sum, or a random term, which adds nothing to the sum around it.
    fn bracket(&mut self) -> Result<Vec<Term>, Error> {
        let start = self.at;
        let inner = self.sum(true)?;
        let correlated = match self.next() {
            Some(Token::Sign(')')) => {
                self.at = start;
                let inner = self.sum(false)?;
                self.at += 1;
                return Ok(inner);
            }
            Some(Token::Sign('|')) => true,
            Some(Token::DoubleBar) => false,
            _ => return Err(self.wrong("), | or || was expected")),
        };
        let groups = self.product()?;
        if !self.take(')') {
            return Err(self.wrong(") must close a random term"));
        }
        if inner.is_empty() || groups.iter().any(|g| g.0.is_empty()) {
            return Err(self.wrong("a random term needs something that varies and a group"));
        }
        for group in groups {
            self.random.push(RandomTerm { terms: inner.clone(), group, correlated });
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::Formula;

    fn check(text: &str, fixed: &str, random: &str) {
        let formula = Formula::parse(text).unwrap();
        let join =
            |terms: &[super::Term]| terms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(join(&formula.fixed), fixed, "{text}");
        let ours: Vec<String> = formula
            .random
            .iter()
            .map(|r| format!("{} {} {}", join(&r.terms), if r.correlated { "|" } else { "||" }, r.group))
            .collect();
        assert_eq!(ours.join("; "), random, "{text}");
    }

    #[test]
    fn formulas_expand_as_in_r() {
        check("y ~ 1", "(Intercept)", "");
        check("y ~ a*b", "(Intercept) a b a:b", "");
        check("y ~ a*b*c - a:b:c", "(Intercept) a b c a:b a:c b:c", "");
        check("y ~ 0 + a", "a", "");
        check("y ~ a - 1", "a", "");
        check("y ~ a/b", "(Intercept) a a:b", "");
        check("y ~ (a + b):c + b:a + a:b", "(Intercept) a:c b:c b:a", "");
        check("y ~ x + (1|g)", "(Intercept) x", "(Intercept) | g");
        check("y ~ (x || g) + (0 + x | h)", "(Intercept)", "(Intercept) x || g; x | h");
        check("y ~ (1 | a/b) + `odd name`", "(Intercept) odd name", "(Intercept) | a; (Intercept) | a:b");
    }

    #[test]
    fn faults_say_what_was_expected() {
        for (text, wanted) in [
            ("~ x", "begins with the name"),
            ("y x", "~ must follow"),
            ("y ~ x +", "a name, 1, or ("),
            ("y ~ (1 | g", ") must close"),
            ("y ~ log(x)", "make the column first"),
            ("y ~ x ^ 2", "no part of a formula"),
            ("y ~ (0 | g)", "something that varies"),
            ("y ~ x)", "nothing more"),
        ] {
            let message = Formula::parse(text).unwrap_err().to_string();
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }
}
