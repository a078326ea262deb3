//! The syntax part: how many of the reference's subtrees the candidate has anywhere.
//!
//! A subtree is a node that has children, with all below it; names and literals are not compared, only kinds of nodes
//! and the fields they stand in. A subtree that the reference has twice counts twice and needs to be found once.
//!
//! The package compares printed trees. Here each tree is one hash of the same things (what is printed, in the same
//! order), computed once from the leaves up; a test compares both ways.

use super::Parsed;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use tree_sitter::TreeCursor;

/// The share of the reference's subtrees that are among the candidate's. The whole text is one, so there is always one.
pub(super) fn matched(reference: &[u64], candidate: &[u64]) -> f64 {
    let candidate: HashSet<&u64> = candidate.iter().collect();
    let found = reference.iter().filter(|tree| candidate.contains(tree)).count();
    found as f64 / reference.len() as f64
}

/// A node whose children are being read.
struct Open {
    hash: DefaultHasher,
    /// What its parent's hash takes in before it.
    field: Option<u16>,
    /// Whether it is printed, and with it its field.
    shown: bool,
    leaf: bool,
}

/// The hash of every node that has children, and of the root. Without recursion: programs may be nested deeply.
pub(super) fn subtrees(parsed: &Parsed) -> Vec<u64> {
    let mut cursor = parsed.tree.walk();
    let mut found = Vec::new();
    let mut open = vec![opened(&cursor)];
    loop {
        if cursor.goto_first_child() {
            if let Some(parent) = open.last_mut() {
                parent.leaf = false;
            }
            open.push(opened(&cursor));
            continue;
        }
        loop {
            let Some(node) = open.pop() else { return found };
            let hash = node.hash.finish();
            if !node.leaf || open.is_empty() {
                found.push(hash);
            }
            let Some(parent) = open.last_mut() else { return found };
            if node.shown {
                (node.field, hash).hash(&mut parent.hash);
            }
            if cursor.goto_next_sibling() {
                open.push(opened(&cursor));
                break;
            }
            cursor.goto_parent();
        }
    }
}

fn opened(cursor: &TreeCursor) -> Open {
    let node = cursor.node();
    let mut hash = DefaultHasher::new();
    node.kind_id().hash(&mut hash);
    node.is_missing().hash(&mut hash);
    if node.is_error() && node.child_count() == 0 {
        // Most are printed with the character that was not expected; a lone one of no length of its own is not.
        let printed = node.to_sexp();
        if printed.contains("UNEXPECTED") {
            printed.hash(&mut hash);
        }
    }
    Open {
        hash,
        field: cursor.field_id().map(std::num::NonZero::get),
        shown: node.is_named() || node.is_missing(),
        leaf: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tree_sitter::Node;

    /// The package's way: every subtree printed.
    fn printed(node: Node, out: &mut Vec<String>) {
        out.push(node.to_sexp());
        for child in node.children(&mut node.walk()).filter(|c| c.child_count() > 0) {
            printed(child, out);
        }
    }

    proptest! {
        #[test]
        fn hashes_differ_where_printed_trees_do(
            parts in prop::collection::vec(prop::sample::select(PARTS), 0..8),
            others in prop::collection::vec(prop::sample::select(PARTS), 0..8),
        ) {
            let (a, b) = (Parsed::read(&parts.concat()).unwrap(), Parsed::read(&others.concat()).unwrap());
            let (mut in_a, mut in_b) = (Vec::new(), Vec::new());
            printed(a.tree.root_node(), &mut in_a);
            printed(b.tree.root_node(), &mut in_b);
            let found = in_a.iter().filter(|tree| in_b.contains(tree)).count();
            prop_assert_eq!(matched(&subtrees(&a), &subtrees(&b)), found as f64 / in_a.len() as f64);
        }
    }

    const PARTS: &[&str] = &[
        "def f(x, y=1):\n",
        "    return x + y\n",
        "    if x:\n        y = 2\n    else:\n        pass\n",
        "x = [i for i in y]\n",
        "while x < 3:\n    x += 1\n",
        "for a, b in c:\n    d[a] = b\n",
        "f(",
        ")",
        "lambda q: not q",
        "a if b else c\n",
        "\"s\" 'u'\n",
        "x: int = 3\n",
        "class A(B):\n    z = 1\n",
        "?",
        "import os.path as p\n",
        "x not in y\n",
        "\u{1f600}",
        "$é",
        "`",
        "x = ¿\n",
        "\u{1}",
        "\\ ",
        "'",
    ];
}
