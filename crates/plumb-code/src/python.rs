//! What can be said of Python text without running it: whether it can be read, which names it uses and binds.
//!
//! By the same parser as CodeBLEU's, which is nearly Python's: it reads a few programs that Python refuses.

use std::collections::BTreeSet;
use tree_sitter::{Node, Parser, Tree};

/// The syntax tree; `None` if the parser gave up.
pub(crate) fn tree(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::language()).ok()?;
    parser.parse(text, None)
}

/// Whether the text can be read as a whole.
pub(crate) fn parses(text: &str) -> bool {
    tree(text).is_some_and(|tree| !tree.root_node().has_error())
}

/// All nodes, from the root down, without recursion.
fn each_node(tree: &Tree, mut see: impl FnMut(Node)) {
    let mut cursor = tree.walk();
    loop {
        see(cursor.node());
        if cursor.goto_first_child() || cursor.goto_next_sibling() {
            continue;
        }
        loop {
            if !cursor.goto_parent() {
                return;
            }
            if cursor.goto_next_sibling() {
                break;
            }
        }
    }
}

/// Names that stand for themselves somewhere (not attributes, not keywords of calls), and names that something binds:
/// assignments, parameters, definitions, loops.
pub(crate) fn identifiers(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut used, mut bound) = (BTreeSet::new(), BTreeSet::new());
    let Some(tree) = tree(text) else { return (used, bound) };
    each_node(&tree, |node| {
        if node.kind() != "identifier" {
            return;
        }
        let name = text[node.byte_range()].to_owned();
        match role(node) {
            Role::Used => used.insert(name),
            Role::Bound => bound.insert(name),
            Role::Neither => false,
        };
    });
    (used, bound)
}

enum Role {
    Used,
    Bound,
    Neither,
}

fn role(node: Node) -> Role {
    let Some(parent) = node.parent() else { return Role::Used };
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    match parent.kind() {
        "attribute" if is("attribute") => Role::Neither,
        "keyword_argument" if is("name") => Role::Neither,
        "function_definition" | "class_definition" | "default_parameter" | "typed_default_parameter"
            if is("name") =>
        {
            Role::Bound
        }
        "assignment" | "for_statement" | "for_in_clause" if is("left") => Role::Bound,
        "named_expression" if is("name") => Role::Bound,
        "parameters"
        | "lambda_parameters"
        | "pattern_list"
        | "tuple_pattern"
        | "list_splat_pattern"
        | "dictionary_splat_pattern"
        | "as_pattern_target"
        | "global_statement" => Role::Bound,
        "typed_parameter" if parent.child(0) == Some(node) => Role::Bound,
        "dotted_name" | "aliased_import" => Role::Neither,
        _ => Role::Used,
    }
}

/// The functions that a program defines, those within others and methods left out.
pub(crate) fn functions(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let Some(tree) = tree(text) else { return names };
    each_node(&tree, |node| {
        let mut above = std::iter::successors(node.parent(), |above| above.parent());
        let inner = |node: Node| matches!(node.kind(), "function_definition" | "class_definition");
        if node.kind() == "function_definition"
            && !above.any(inner)
            && let Some(name) = node.child_by_field_name("name")
        {
            names.push(text[name.byte_range()].to_owned());
        }
    });
    names
}

/// Whether the text can be read as a program of its own, and is no body of a function: it defines or names something and nowhere
/// returns but from what it defines.
pub(crate) fn stands_alone(text: &str) -> bool {
    let Some(tree) = tree(text).filter(|tree| !tree.root_node().has_error()) else { return false };
    let (mut names, mut returns) = (false, false);
    each_node(&tree, |node| {
        let mut above = std::iter::successors(node.parent(), |above| above.parent());
        match node.kind() {
            "function_definition" | "class_definition" => names = true,
            "assignment" => {
                names |= node.child_by_field_name("right").is_some_and(|of| of.kind() == "lambda")
            }
            "return_statement" | "yield" => {
                returns |= !above.any(|above| matches!(above.kind(), "function_definition" | "lambda"));
            }
            _ => {}
        }
    });
    names && !returns
}

/// Names that imports bind; `None` where everything of a module is imported.
pub(crate) fn imported(text: &str) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut everything = false;
    let tree = tree(text)?;
    each_node(&tree, |node| match node.kind() {
        "wildcard_import" => everything = true,
        "import_statement" | "import_from_statement" => {
            let module = node.child_by_field_name("module_name");
            for child in node.named_children(&mut node.walk()).filter(|child| Some(*child) != module) {
                let name = child.child_by_field_name("alias").unwrap_or(child);
                let name = &text[name.byte_range()];
                names.insert(name.split('.').next().unwrap_or(name).to_owned());
            }
        }
        _ => {}
    });
    (!everything).then_some(names)
}
