//! Links between our own documents lead somewhere.

use super::tree::{Tree, resolve};
use super::{Finding, Outcome};

pub(super) fn check(tree: &Tree) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut documents, mut checked) = (0, 0);
    for (path, text) in tree.ending(".md") {
        documents += 1;
        for (line, link) in links(text) {
            let Some(target) = local(link) else { continue };
            checked += 1;
            let found = resolve(path, target).is_some_and(|target| tree.holds(&target));
            if !found {
                let message = format!("the link to `{target}` leads nowhere in the repository");
                outcome.findings.push(Finding::new(path, line, message));
            }
        }
    }
    outcome.checked = format!("{checked} links between files in {documents} documents");
    outcome
}

/// The path part of a link to a file; `None` for the web and for places in the same document.
fn local(link: &str) -> Option<&str> {
    let path = link.split('#').next()?;
    let elsewhere = path.contains("://") || path.starts_with("mailto:") || path.is_empty();
    (!elsewhere).then(|| path.trim_end_matches('/'))
}

/// Targets of inline links, images and reference definitions, with their line, code left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (line, n) in text.lines().zip(1..) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        if let Some((_, target)) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            found.extend(target.split_whitespace().next().map(|target| (n, target)));
            continue;
        }
        // Every second piece between backquotes is code.
        for prose in line.split('`').step_by(2) {
            let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            found.extend(targets.filter(|target| !target.is_empty()).map(|target| (n, target)));
        }
        // A link whose text is code is cut by the split above; its target begins the next piece.
        for after_code in line.split('`').skip(2).step_by(2) {
            let target = after_code.strip_prefix("](").and_then(|rest| rest.split([')', ' ']).next());
            let new = target.filter(|target| !target.is_empty() && !found.contains(&(n, target)));
            found.extend(new.map(|target| (n, target)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_and_code_is_not() {
        let text = "[a](a.md) and ![b](img/b.png \"title\")\n```\n[no](no.md)\n```\n`[no](no.md)` [`c`](c.md#x)\n\
            [d]: d.md\n[e](https://example.org) [f](#here)\n";
        let targets: Vec<_> =
            links(text).into_iter().filter_map(|(n, link)| Some((n, local(link)?))).collect();
        assert_eq!(targets, [(1, "a.md"), (1, "img/b.png"), (5, "c.md"), (6, "d.md")]);
    }

    #[test]
    fn a_dead_link_is_named_with_its_line() {
        let tree = Tree::of(&[("docs/a.md", "x\n[b](../b.md) [c](c/)\n"), ("docs/c/d.md", "")]);
        let found: Vec<String> = check(&tree).findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["docs/a.md:2: the link to `../b.md` leads nowhere in the repository"]);
    }
}
