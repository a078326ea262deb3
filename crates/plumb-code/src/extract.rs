//! The code in an answer.
//!
//! Models wrap code in prose and Markdown fences, base models write it bare. The rules are few and fixed, because each
//! choice here moves every number that follows:
//!
//! 1. A fence is a line of three or more backquotes or tildes, indented by any white space, with words after them or
//!    not. It ends at a line of at least as many of the same mark and nothing else. A fence that has no end (an answer
//!    that was cut) ends with the answer.
//! 2. Of the blocks, those count whose first word is the language asked for (or one of its usual short names). Where
//!    none is, those without a word count; where there are none either, all.
//! 3. Of these the first is taken, or the last if asked so. Models show a usage example after the code, rarely before.
//! 4. A block's lines lose as much indentation as its fence has, so that a block inside a list is not indented code.
//! 5. An answer without a fence is code as a whole.
//!
//! Nothing is repaired and no line end is changed.

/// Which of several fitting blocks counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Which {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
}

/// Code that was found in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// The code, without the line end before the closing fence.
    pub code: String,
    /// Where it was.
    pub from: From,
}

/// Where code was in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// There was no fence.
    Whole,
    /// A fenced block: its number from 1, of how many, and whether it had an end.
    Block {
        /// Its number among all blocks, from 1.
        number: usize,
        /// How many blocks there were.
        of: usize,
        /// Whether its fence was closed.
        closed: bool,
    },
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            From::Whole => f.write_str("the whole answer, which has no fence"),
            From::Block { number, of, closed } => {
                write!(f, "block {number} of {of}{}", if *closed { "" } else { ", which has no end" })
            }
        }
    }
}

struct Block<'a> {
    /// First word after the opening fence, or nothing.
    word: &'a str,
    code: String,
    closed: bool,
}

/// Takes the code out of an answer; `language` prefers blocks marked as such.
pub fn extract(answer: &str, language: Option<&str>, which: Which) -> Extracted {
    let blocks = blocks(answer);
    let fitting = |fit: &dyn Fn(&Block) -> bool| {
        let mut found = (0..blocks.len()).filter(|at| fit(&blocks[*at]));
        match which {
            Which::First => found.next(),
            Which::Last => found.last(),
        }
    };
    let marked = language.and_then(|wanted| fitting(&|b| same_language(b.word, wanted)));
    let unmarked = || language.and_then(|_| fitting(&|b| b.word.is_empty()));
    let Some(at) = marked.or_else(unmarked).or_else(|| fitting(&|_| true)) else {
        return Extracted { code: answer.to_owned(), from: From::Whole };
    };
    let from = From::Block { number: at + 1, of: blocks.len(), closed: blocks[at].closed };
    Extracted { code: blocks[at].code.clone(), from }
}

/// Names that mean one language in Markdown.
const NAMES: &[&[&str]] = &[
    &["python", "py", "python3"],
    &["javascript", "js", "node"],
    &["typescript", "ts"],
    &["cpp", "c++", "cxx"],
    &["go", "golang"],
    &["ruby", "rb"],
    &["perl", "pl"],
];

fn same_language(word: &str, wanted: &str) -> bool {
    let (word, wanted) = (word.to_lowercase(), wanted.to_lowercase());
    let both = |names: &&[&str]| names.contains(&wanted.as_str()) && names.contains(&word.as_str());
    word == wanted || NAMES.iter().any(both)
}

/// A line's fence: its indentation in bytes, its mark, how many, and what follows.
fn fence(line: &str) -> Option<(usize, char, usize, &str)> {
    let rest = line.trim_start();
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let after = rest.trim_start_matches(mark);
    let (count, after) = (rest.len() - after.len(), after.trim());
    // Backquotes after the fence: code within a line of prose.
    let inline = mark == '`' && after.contains('`');
    (count >= 3 && !inline).then_some((line.len() - rest.len(), mark, count, after))
}

fn blocks(answer: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = answer.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let Some((indent, mark, count, info)) = fence(line) else { continue };
        let mut code = String::new();
        let mut closed = false;
        for line in lines.by_ref() {
            closed = fence(line).is_some_and(|(_, m, n, after)| m == mark && n >= count && after.is_empty());
            if closed {
                break;
            }
            code.push_str(outdented(line, indent));
        }
        if closed {
            let end = code.strip_suffix('\n').map_or(code.len(), str::len);
            code.truncate(end);
            if code.ends_with('\r') {
                code.pop();
            }
        }
        // "{.python}" and "python:file.py" are seen too.
        let word = info.split(|c: char| c.is_whitespace() || c == ':' || c == ',').next().unwrap_or("");
        blocks.push(Block { word: word.trim_matches(['{', '}', '.']), code, closed });
    }
    blocks
}

/// A line without `indent` bytes of white space at its beginning, or as many as it has.
fn outdented(line: &str, indent: usize) -> &str {
    let blank = line.bytes().take(indent).take_while(|b| matches!(b, b' ' | b'\t')).count();
    &line[blank..]
}

/// Without blank lines at both ends and without white space at the very end. The first line keeps its indentation.
pub fn trimmed(code: &str) -> &str {
    let code = code.trim_end();
    let blank = code.len() - code.trim_start().len();
    match code[..blank].rfind('\n') {
        Some(end) => &code[end + 1..],
        None => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(answer: &str, language: Option<&str>, which: Which) -> (String, String) {
        let found = extract(answer, language, which);
        (found.code, found.from.to_string())
    }

    fn first(answer: &str) -> String {
        code(answer, Some("python"), Which::First).0
    }

    #[test]
    fn rules_hold_one_by_one() {
        let two =
            "Run:\n```bash\npip x\n```\nthen\n```python\ndef f():\n    pass\n```\nand\n```py\nf()\n```\n";
        assert_eq!(first(two), "def f():\n    pass");
        assert_eq!(code(two, Some("python"), Which::Last), ("f()".into(), "block 3 of 3".into()));
        assert_eq!(code(two, None, Which::First), ("pip x".into(), "block 1 of 3".into()));
        // No block of the language: those without a word, then all.
        assert_eq!(first("```sh\na\n```\n```\nb\n```"), "b");
        assert_eq!(first("```sh\na\n```"), "a");
        // Longer fences hold shorter ones, and other marks are text.
        assert_eq!(first("````\n```\nx\n```\n````"), "```\nx\n```");
        assert_eq!(first("~~~\n```\n~~~"), "```");
        // Cut, bare, inline, empty.
        let cut = ("def f(".to_owned(), "block 1 of 1, which has no end".to_owned());
        assert_eq!(code("```python\ndef f(", None, Which::First), cut);
        assert_eq!(first("    return 1\n"), "    return 1\n");
        assert_eq!(first("```x``` is inline"), "```x``` is inline");
        assert_eq!(first("```\n```"), "");
        // Indented fences and Windows line ends.
        assert_eq!(first("1. So:\n   ```py\n   if x:\n       y\n  z\n   ```"), "if x:\n    y\nz");
        assert_eq!(first("```python\r\na\r\nb\r\n```\r\n"), "a\r\nb");
        assert_eq!(first("```{.python}\na\n```"), "a");
    }

    #[test]
    fn trimming_keeps_indentation() {
        assert_eq!(trimmed("\n \n    return 1\n\n"), "    return 1");
        assert_eq!(trimmed("  \n"), "");
        assert_eq!(trimmed("x"), "x");
    }
}
