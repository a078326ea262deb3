//! Python without comments and docstrings, exactly as the package codebleu leaves it.
//!
//! The package goes through the tokens of Python's own `tokenize` (CPython 3.11) and puts them together again with
//! spaces between. Three things of this show in values: a tab between tokens becomes one space, also at the beginning
//! of lines that are not the first of their block; lines joined by a backslash become one; and every string that stands at the
//! beginning of a block, of a line or in column 0 is a docstring, whatever it is for. Text that `tokenize` refuses is
//! left as it is. Only what decides about these is scanned here: strings, comments, line ends and indentation.

use super::super::tokens::stripped;

/// The kinds of tokens that matter.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Indent,
    NewLine,
    String,
    Comment,
    Other,
}

/// The text put together so far.
struct Written {
    out: String,
    previous: Kind,
    last_line: usize,
    last_column: usize,
}

impl Written {
    /// Takes a token; places are line and column in code points.
    fn token(&mut self, kind: Kind, text: &[char], start: (usize, usize), end: (usize, usize)) {
        if start.0 > self.last_line {
            self.last_column = 0;
        }
        let gap = start.1.saturating_sub(self.last_column);
        self.out.extend(std::iter::repeat_n(' ', gap));
        let kept = match kind {
            Kind::Comment => false,
            Kind::String => self.previous != Kind::Indent && self.previous != Kind::NewLine && start.1 > 0,
            _ => true,
        };
        if kept {
            self.out.extend(text);
        }
        self.previous = kind;
        self.last_line = end.0;
        self.last_column = end.1;
    }
}

/// A string that goes on in the next line.
struct Unfinished {
    text: Vec<char>,
    start: (usize, usize),
    quote: char,
    triple: bool,
}

/// How a string that began ends.
enum End {
    /// After this column of the line.
    At(usize),
    /// Not in this line.
    Later,
    /// Never: what looked like a string is none.
    Never,
}

struct Scanner {
    written: Written,
    indents: Vec<usize>,
    /// Open brackets; may fall below 0, as in the library.
    brackets: i64,
    continued: bool,
    unfinished: Option<Unfinished>,
}

/// The code without comments, docstrings and empty lines; `None` where Python's tokenizer finds an error.
pub(super) fn bare(code: &str) -> Option<String> {
    let mut scanner = Scanner {
        written: Written { out: String::new(), previous: Kind::Indent, last_line: 0, last_column: 0 },
        indents: vec![0],
        brackets: 0,
        continued: false,
        unfinished: None,
    };
    for (at, line) in code.split_inclusive('\n').enumerate() {
        let line: Vec<char> = line.chars().collect();
        scanner.line(at + 1, &line)?;
    }
    if scanner.unfinished.is_some() || scanner.brackets != 0 || scanner.continued {
        return None;
    }
    let lines = scanner.written.out.split('\n').filter(|line| !stripped(line).is_empty());
    Some(lines.collect::<Vec<_>>().join("\n"))
}

impl Scanner {
    fn line(&mut self, number: usize, line: &[char]) -> Option<()> {
        let mut at = 0;
        if let Some(mut string) = self.unfinished.take() {
            match ended(line, 0, string.quote, string.triple) {
                End::At(end) => {
                    string.text.extend(&line[..end]);
                    self.written.token(Kind::String, &string.text, string.start, (number, end));
                    at = end;
                }
                _ => {
                    string.text.extend(line);
                    if string.triple || line.ends_with(&['\\', '\n']) || line.ends_with(&['\\', '\r', '\n']) {
                        self.unfinished = Some(string);
                    } else {
                        self.written.token(Kind::Other, &string.text, string.start, (number, line.len()));
                    }
                    return Some(());
                }
            }
        } else if self.brackets == 0 && !self.continued {
            at = self.indentation(number, line)?;
        } else {
            self.continued = false;
        }
        while at < line.len() {
            at = self.one(number, line, at);
        }
        Some(())
    }

    /// Where the line's first token begins; its end where there is none. `None` for a wrong indentation.
    fn indentation(&mut self, number: usize, line: &[char]) -> Option<usize> {
        let mut column = 0;
        let mut at = 0;
        for c in line {
            match c {
                ' ' => column += 1,
                '\t' => column = (column / 8 + 1) * 8,
                '\x0c' => column = 0,
                _ => break,
            }
            at += 1;
        }
        match line.get(at) {
            None => return Some(at),
            Some('#') => {
                let end = at + comment(&line[at..], true);
                self.written.token(Kind::Comment, &line[at..end], (number, at), (number, end));
                self.written.token(Kind::Other, &line[end..], (number, end), (number, line.len()));
                return Some(line.len());
            }
            Some('\r' | '\n') => {
                self.written.token(Kind::Other, &line[at..], (number, at), (number, line.len()));
                return Some(line.len());
            }
            Some(_) => {}
        }
        let deepest = |indents: &[usize]| indents.last().copied().unwrap_or(0);
        if column > deepest(&self.indents) {
            self.indents.push(column);
            self.written.token(Kind::Indent, &line[..at], (number, 0), (number, at));
        }
        while column < deepest(&self.indents) {
            if !self.indents.contains(&column) {
                return None;
            }
            self.indents.pop();
            self.written.token(Kind::Other, &[], (number, at), (number, at));
        }
        Some(at)
    }

    /// Reads one token, and the blanks before it; says where the next begins.
    fn one(&mut self, number: usize, line: &[char], at: usize) -> usize {
        let blanks = line[at..].iter().take_while(|c| matches!(c, ' ' | '\t' | '\x0c')).count();
        let start = at + blanks;
        let rest = &line[start..];
        if blanks > 0 && is_fault(line, start) {
            // Blanks before a fault are faults too, one by one, and so stay what they are.
            self.written.token(Kind::Other, &line[at..start], (number, at), (number, start));
        }
        let (kind, length) = match rest {
            [] => return line.len(),
            ['#', ..] => (Kind::Comment, comment(rest, false)),
            ['\n'] | ['\r', '\n'] => (self.line_end(), rest.len()),
            ['\\', '\n'] | ['\\', '\r', '\n'] => {
                self.continued = true;
                return line.len();
            }
            _ => match string(rest) {
                Some((prefix, quote, triple)) => {
                    let from = start + prefix + if triple { 3 } else { 1 };
                    match ended(line, from, quote, triple) {
                        End::At(end) => (Kind::String, end - start),
                        End::Later => {
                            let text = rest.to_vec();
                            self.unfinished =
                                Some(Unfinished { text, start: (number, start), quote, triple });
                            return line.len();
                        }
                        // The prefix is a name; the quote alone, with the blanks before it, is an error.
                        End::Never => (Kind::Other, prefix.max(1)),
                    }
                }
                None => (Kind::Other, self.plain(rest)),
            },
        };
        self.written.token(kind, &rest[..length], (number, start), (number, start + length));
        start + length
    }

    fn line_end(&self) -> Kind {
        if self.brackets > 0 { Kind::Other } else { Kind::NewLine }
    }

    /// The length of a name, a number or a single mark. Marks of several characters are the same text one by one.
    fn plain(&mut self, rest: &[char]) -> usize {
        let word = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
        if word > 0 {
            return word;
        }
        match rest[0] {
            '(' | '[' | '{' => self.brackets += 1,
            ')' | ']' | '}' => self.brackets -= 1,
            _ => {}
        }
        1
    }
}

/// Whether no token begins here: a lone quote, or a mark that Python does not have.
fn is_fault(line: &[char], at: usize) -> bool {
    match line[at..] {
        [] | ['\\', '\n'] | ['\\' | '\r', '\n', ..] | ['\\', '\r', '\n'] | ['!', '=', ..] => false,
        [quote @ ('\'' | '"'), ref rest @ ..] => {
            !rest.starts_with(&[quote, quote]) && matches!(ended(line, at + 1, quote, false), End::Never)
        }
        [c, ..] => !c.is_alphanumeric() && !"_#\n%&()*+,-./:;<=>@[]^{|}~".contains(c),
    }
}

/// How long a comment is; one that stands alone takes carriage returns within it.
fn comment(rest: &[char], alone: bool) -> usize {
    if alone {
        return rest.len() - rest.iter().rev().take_while(|c| matches!(c, '\r' | '\n')).count();
    }
    rest.iter().take_while(|c| !matches!(c, '\r' | '\n')).count()
}

/// If a string begins here: the length of its prefix, its quote, and whether there are three.
fn string(rest: &[char]) -> Option<(usize, char, bool)> {
    const PREFIXES: [&str; 9] = ["", "b", "r", "u", "f", "br", "rb", "fr", "rf"];
    let prefix = rest.iter().take(3).take_while(|c| c.is_ascii_alphabetic()).count();
    let lower: String = rest[..prefix].iter().map(char::to_ascii_lowercase).collect();
    let quote = rest.get(prefix).copied().filter(|c| matches!(c, '\'' | '"'))?;
    let triple = rest[prefix..].starts_with(&[quote, quote, quote]);
    PREFIXES.contains(&lower.as_str()).then_some((prefix, quote, triple))
}

/// Where a string ends whose inside goes on at `from`.
fn ended(line: &[char], from: usize, quote: char, triple: bool) -> End {
    let mut at = from;
    while let Some(c) = line.get(at) {
        match c {
            '\\' => match line[at + 1..] {
                ['\n'] | ['\r', '\n'] => return End::Later,
                [] => break,
                _ => at += 1,
            },
            '\n' if !triple => break,
            c if *c == quote && !triple => return End::At(at + 1),
            c if *c == quote && line[at..].starts_with(&[quote, quote, quote]) => return End::At(at + 3),
            _ => {}
        }
        at += 1;
    }
    if triple { End::Later } else { End::Never }
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn what_remains_is_what_the_package_leaves() {
        for (code, left) in CASES {
            assert_eq!(bare(code).as_deref(), *left, "{code:?}");
        }
    }

    /// Texts and what `remove_comments_and_docstrings` of codebleu 0.7.0 makes of them on CPython 3.11.
    #[rustfmt::skip]
    const CASES: &[(&str, Option<&str>)] = &[
        ("x = 1  # one\n# two\n\ny = 2", Some("x = 1  \ny = 2")),
        ("def f():\n    \"\"\"Doc.\"\"\"\n    return 1", Some("def f():\n    return 1")),
        ("def f():\n    x = \"\"\"a\n  # b\"\"\"\n    \"loose\"\n    return x", Some("def f():\n    x = \"\"\"a\n  # b\"\"\"\n    return x")),
        ("if x:\n\tpass\n\ty = 1", Some("if x:\n\tpass\n y = 1")),
        ("a = 1 + \\\n    2", Some("a = 1 +    2")),
        ("\"top\"\nx = \"kept\" ''", Some("x = \"kept\" ''")),
        ("f(  # c\n    \"s\",\n)", Some("f(  \n    \"s\",\n)")),
        ("x = (1", None),
        ("    a\n  b", None),
        ("x = 'abc\ny = b\"c", Some("x = 'abc\ny = b\"c")),
        ("x = 'a\\\n b'\ny\n", Some("x = 'a\\\n b'\ny")),
        ("a\t$\tb ?", Some("a\t$ b ?")),
        ("s = rb'\\'' + F\"\"\"x\"\"\"", Some("s = rb'\\'' + F\"\"\"x\"\"\"")),
        ("x = \"a\r\ny\"\r\n# c\r\nz", Some("x = \"a\r\ny\"\r\nz")),
        ("é = \"ü\" # ö\nif é:\n    \"d\"\n    1", Some("é = \"ü\" \nif é:\n    1")),
        ("x = 1\n\"\"\"open", None),
        ("x\n\\\n", None),
        ("a !b != c", Some("a !b != c")),
        ("x = 'a\\\r\n b'", Some("x = 'a\\\r\n b'")),
        ("  # c\rd\nx", Some("x")),
        (")\n  x\n", None),
        ("", Some("")),
    ];
}
