//! Repairs of how lines are laid out: tabs, indentation, a whole function in place of a body.

/// The white space at a line's beginning.
fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// Whether a line of the text, at its first column, defines that function.
pub(super) fn defines(text: &str, entry: &str) -> bool {
    text.lines().any(|line| is_head(line, entry))
}

fn is_head(line: &str, entry: &str) -> bool {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("def ")
        .and_then(|rest| rest.trim_start().strip_prefix(entry))
        .is_some_and(|rest| rest.trim_start().starts_with('('))
}

/// Tabs in indentation as four spaces; nothing where the problem's own part has them.
pub(super) fn without_tabs(before: &str, text: &str) -> Option<String> {
    let tabbed = |text: &str| text.lines().any(|line| indentation(line).contains('\t'));
    if tabbed(before) || !tabbed(text) {
        return None;
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let blank = indentation(line);
        format!("{}{}", blank.replace('\t', "    "), &line[blank.len()..])
    });
    Some(lines.collect())
}

/// If the text defines the function, perhaps indented as a whole: the text with that indentation taken away.
pub(super) fn whole(text: &str, entry: &str) -> Option<String> {
    let head = text.lines().find(|line| is_head(line.trim_start(), entry))?;
    let shift = indentation(head).len();
    let least = text.lines().filter(|line| !is_blank(line)).map(|line| indentation(line).len()).min()?;
    if shift > least {
        // A method, or a function within another.
        return None;
    }
    Some(text.split_inclusive('\n').map(|line| &line[shift.min(indentation(line).len())..]).collect())
}

/// The problem's part up to where its function of that name begins, decorators left there.
pub(super) fn before_function(before: &str, entry: &str) -> String {
    before.split_inclusive('\n').take_while(|line| !is_head(line.trim_end(), entry)).collect()
}

/// The text with the body's indentation moved to that of the problem's last line: only the first line where the rest is in
/// its place already, else all of them.
pub(super) fn indented(before: &str, text: &str) -> Option<String> {
    let last = before.lines().rfind(|line| !is_blank(line))?;
    // A head without a docstring expects a body one level deeper.
    let deeper = if last.trim_end().ends_with(':') { 4 } else { 0 };
    let need = indentation(last).len() + deeper;
    let first = text.lines().position(|line| !is_blank(line))?;
    let has = indentation(text.lines().nth(first)?).len();
    // What follows on the problem's last line is no line of its own.
    if need == 0 || has == need || (first == 0 && !before.ends_with('\n')) {
        return None;
    }
    let others =
        text.lines().skip(first + 1).filter(|line| !is_blank(line)).map(|line| indentation(line).len());
    let alone = has < need && others.min().is_some_and(|least| least >= need);
    let shifted = text.split_inclusive('\n').enumerate().map(|(at, line)| {
        if is_blank(line) || (alone && at != first) {
            return line.to_owned();
        }
        let blank = indentation(line).len();
        format!("{}{}", " ".repeat((blank + need).saturating_sub(has)), &line[blank..])
    });
    Some(shifted.collect())
}
