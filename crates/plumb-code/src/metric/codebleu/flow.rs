//! The data-flow part: from which variables each variable comes, compared after renaming.
//!
//! The graph has an edge from a variable to every place where its value may have been set: assignments, loops (gone
//! through twice, so that a value may come from the round before) and both ways of a condition. It is found by
//! walking the syntax tree with the places where each name was set last. Then names become numbers in the order in
//! which edges have them, and the reference's edges are looked for among the candidate's, each used once.
//!
//! The rules are the package's, with what they miss: attributes, calls and scopes are ordinary names, a loop's `else`
//! hides its body, and a name that stands for a whole value compares equal to any other. Code on which the package
//! fails inside has no flow there and has none here.
//!
//! Not here: what a missing flow counts ([`super::Side`]).

use super::super::Unscored;
use super::Parsed;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use tree_sitter::Node;

/// Loops in loops double the work with each level, and trees may be deep; the package has no bound on the first and
/// Python's on the second.
const MOST_STEPS: u32 = 400_000;
const MOST_DEPTH: u32 = 400;

/// In which order stand the names from which one value comes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Order {
    /// United edges have them in the alphabet's order. The package has a set there, whose order is that of hashes: the
    /// same for the same names, as here.
    Alphabet,
    /// As the edges have them, so that what variables are called does not matter.
    Code,
}

/// The data flow of a text: its edges, renamed.
pub(super) type Flow = Vec<Renamed>;

/// Follows the data through a text.
///
/// # Errors
/// More loops in loops than can be followed.
pub(super) fn of(parsed: &Parsed, order: Order) -> Result<Flow, Unscored> {
    Ok(renamed(&edges(parsed, order)?))
}

/// The share of the reference's edges that the candidate has; `None` where the reference has none.
pub(super) fn matched(reference: &Flow, candidate: &Flow) -> Option<f64> {
    if reference.is_empty() {
        return None;
    }
    let mut unused: HashMap<&Renamed, u32> = HashMap::new();
    candidate.iter().for_each(|edge| *unused.entry(edge).or_default() += 1);
    let found = reference.iter().filter(|edge| match unused.get_mut(edge) {
        Some(left @ 1..) => {
            *left -= 1;
            true
        }
        _ => false,
    });
    Some(found.count() as f64 / reference.len() as f64)
}

/// How a value comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Relation {
    /// It is that value.
    Comes,
    /// It is made of it.
    Computed,
}

/// A name at a place, and the names and places from which its value comes. Names are numbers in the
/// alphabet's order; places number the tokens.
#[derive(Clone)]
struct Edge {
    name: u32,
    place: u32,
    relation: Relation,
    from_names: Vec<u32>,
    from_places: Vec<u32>,
}

pub(super) type Renamed = (u32, Relation, Vec<u32>);

/// Names numbered as they come up along the edges: sources before the name itself.
fn renamed(edges: &[Edge]) -> Vec<Renamed> {
    let mut known: HashMap<u32, u32> = HashMap::new();
    let mut number = |name: u32| {
        let next = known.len() as u32;
        *known.entry(name).or_insert(next)
    };
    let renamed = edges.iter().map(|edge| {
        let from = edge.from_names.iter().map(|name| number(*name)).collect();
        (number(edge.name), edge.relation, from)
    });
    renamed.collect()
}

/// The edges of a text, those of one place united, places without a neighbour left out.
fn edges(parsed: &Parsed, order: Order) -> Result<Vec<Edge>, Unscored> {
    let Some(tokens) = Tokens::of(parsed) else { return Ok(Vec::new()) };
    let mut walk = Walk { tokens, order, steps: 0 };
    let mut set = States::new();
    let mut all = Vec::new();
    match walk.node(parsed.tree.root_node(), &mut set, &mut all, 0) {
        Ok(()) => {}
        Err(Stop::Fault) => return Ok(Vec::new()),
        Err(Stop::TooMuch) => {
            return Err(Unscored("its loops in loops are too many to follow the data through"));
        }
    }
    let linked: HashSet<u32> = all
        .iter()
        .flat_map(|e| e.from_places.iter().chain((!e.from_places.is_empty()).then_some(&e.place)))
        .copied()
        .collect();
    let mut united: Vec<Edge> = Vec::new();
    for edge in all.into_iter().filter(|e| linked.contains(&e.place)) {
        match united.last_mut().filter(|last| last.place == edge.place) {
            Some(last) => {
                last.relation = edge.relation;
                order.unite(&mut last.from_names, edge.from_names);
            }
            None => united.push(edge),
        }
    }
    Ok(united)
}

impl Order {
    /// The union of names, each once.
    fn unite(self, into: &mut Vec<u32>, more: Vec<u32>) {
        match self {
            Order::Alphabet => unite(into, more),
            Order::Code => {
                let all = std::mem::take(into).into_iter().chain(more);
                for name in all {
                    if !into.contains(&name) {
                        into.push(name);
                    }
                }
            }
        }
    }
}

/// The union in ascending order, each once.
fn unite(into: &mut Vec<u32>, more: Vec<u32>) {
    into.extend(more);
    into.sort_unstable();
    into.dedup();
}

/// Why a walk ends early.
enum Stop {
    /// The package fails here, and takes the code to have no flow.
    Fault,
    /// It would not end in reasonable time.
    TooMuch,
}

/// A token: its number, its text as a number, whether it is a mark or a keyword.
#[derive(Clone, Copy)]
struct Token {
    place: u32,
    name: u32,
    fixed: bool,
}

/// The tokens of a text by the bytes they stand in.
struct Tokens(HashMap<(usize, usize), Token>);

impl Tokens {
    /// `None` where the package cannot read a token's text.
    fn of(parsed: &Parsed) -> Option<Tokens> {
        let lines = Lines::of(&parsed.text);
        let mut leaves = Vec::new();
        collect(parsed.tree.root_node(), &mut leaves, 0)?;
        let texts: Vec<Cow<str>> = leaves.iter().map(|leaf| lines.of_leaf(*leaf)).collect::<Option<_>>()?;
        let mut sorted: Vec<&str> = texts.iter().map(|text| &**text).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let tokens = leaves.iter().zip(&texts).enumerate().map(|(place, (leaf, text))| {
            let name = sorted.partition_point(|other| *other < &**text) as u32;
            let token = Token { place: place as u32, name, fixed: leaf.kind() == text };
            ((leaf.start_byte(), leaf.end_byte()), token)
        });
        Some(Tokens(tokens.collect()))
    }
}

/// A node that is one token: a leaf, or a string with its parts.
fn is_token(node: Node) -> bool {
    (node.child_count() == 0 || node.kind() == "string") && node.kind() != "comment"
}

fn collect<'t>(node: Node<'t>, leaves: &mut Vec<Node<'t>>, depth: u32) -> Option<()> {
    if depth > MOST_DEPTH {
        return None;
    }
    if is_token(node) {
        leaves.push(node);
        return Some(());
    }
    node.children(&mut node.walk()).try_for_each(|child| collect(child, leaves, depth + 1))
}

/// Lines of a text, to be cut as the package cuts them: it takes the parser's columns, which count bytes, for
/// characters. In text that is not ASCII a token is therefore not quite itself.
struct Lines<'a> {
    text: &'a str,
    /// Lines as characters; only where the text is not ASCII.
    wide: Option<Vec<Vec<char>>>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Lines<'a> {
        let wide = || text.split('\n').map(|line| line.chars().collect()).collect();
        Lines { text, wide: (!text.is_ascii()).then(wide) }
    }

    fn of_leaf(&self, leaf: Node) -> Option<Cow<'a, str>> {
        let Some(lines) = &self.wide else {
            let text = &self.text[leaf.byte_range()];
            // Its lines are put together without line ends.
            return Some(if text.contains('\n') { text.replace('\n', "").into() } else { text.into() });
        };
        let (start, end) = (leaf.start_position(), leaf.end_position());
        let cut = |row: usize, from: usize, to: usize| {
            let line = lines.get(row)?;
            let to = to.min(line.len());
            Some(&line[from.min(to)..to])
        };
        let mut out = String::new();
        for row in start.row..=end.row {
            let from = if row == start.row { start.column } else { 0 };
            let to = if row == end.row { end.column } else { usize::MAX };
            out.extend(cut(row, from, to)?);
        }
        Some(out.into())
    }
}

/// Where each name was set last.
type States = HashMap<u32, Vec<u32>>;

struct Walk {
    tokens: Tokens,
    order: Order,
    steps: u32,
}

type Walked = Result<(), Stop>;

impl Walk {
    fn token(&self, node: Node) -> Result<Token, Stop> {
        self.tokens.0.get(&(node.start_byte(), node.end_byte())).copied().ok_or(Stop::Fault)
    }

    /// Adds the edges of a node and of all below it, in the order of their places.
    fn node(&mut self, node: Node, set: &mut States, edges: &mut Vec<Edge>, depth: u32) -> Walked {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(Stop::TooMuch);
        }
        if depth > MOST_DEPTH {
            return Err(Stop::Fault);
        }
        if is_token(node) {
            return self.leaf(node, set, edges);
        }
        let begin = edges.len();
        match node.kind() {
            "default_parameter" => self.default(node, set, edges, depth)?,
            "assignment" | "augmented_assignment" | "for_in_clause" => {
                self.assignment(node, set, edges, depth)?;
            }
            "if_statement" => self.condition(node, set, edges, depth)?,
            "for_statement" | "while_statement" => {
                for _round in 0..2 {
                    self.round(node, set, edges, depth)?;
                }
                let repeated = edges.split_off(begin);
                edges.extend(once_each(repeated, self.order));
            }
            _ => {
                // What a comprehension goes through is set before what it makes.
                for first in [true, false] {
                    for child in node.children(&mut node.walk()) {
                        if (child.kind() == "for_in_clause") == first {
                            self.node(child, set, edges, depth + 1)?;
                        }
                    }
                }
            }
        }
        edges[begin..].sort_by_key(|edge| edge.place);
        Ok(())
    }

    fn leaf(&mut self, node: Node, set: &mut States, edges: &mut Vec<Edge>) -> Walked {
        let Token { place, name, fixed } = self.token(node)?;
        if fixed {
            return Ok(());
        }
        let (from_names, from_places) = match set.get(&name) {
            Some(places) => (vec![name], places.clone()),
            None => {
                if node.kind() == "identifier" {
                    set.insert(name, vec![place]);
                }
                (Vec::new(), Vec::new())
            }
        };
        edges.push(Edge { name, place, relation: Relation::Comes, from_names, from_places });
        Ok(())
    }

    /// The tokens of a node that may be variables.
    fn variables(&self, node: Option<Node>) -> Result<Vec<Token>, Stop> {
        let mut leaves = Vec::new();
        collect(node.ok_or(Stop::Fault)?, &mut leaves, 0).ok_or(Stop::Fault)?;
        let tokens: Result<Vec<Token>, Stop> = leaves.into_iter().map(|leaf| self.token(leaf)).collect();
        Ok(tokens?.into_iter().filter(|token| !token.fixed).collect())
    }

    fn default(&mut self, node: Node, set: &mut States, edges: &mut Vec<Edge>, depth: u32) -> Walked {
        let names = self.variables(node.child_by_field_name("name"))?;
        let Some(value) = node.child_by_field_name("value") else {
            for Token { place, name, .. } in names {
                let (from_names, from_places) = (Vec::new(), Vec::new());
                edges.push(Edge { name, place, relation: Relation::Comes, from_names, from_places });
                set.insert(name, vec![place]);
            }
            return Ok(());
        };
        let values = self.variables(Some(value))?;
        self.node(value, set, edges, depth + 1)?;
        for Token { place, name, .. } in names {
            edges.extend(values.iter().map(|value| Edge {
                name,
                place,
                relation: Relation::Comes,
                from_names: vec![value.name],
                from_places: vec![value.place],
            }));
            set.insert(name, vec![place]);
        }
        Ok(())
    }

    fn assignment(&mut self, node: Node, set: &mut States, edges: &mut Vec<Edge>, depth: u32) -> Walked {
        let left = node.child_by_field_name("left");
        let (lefts, rights) = if node.kind() == "for_in_clause" {
            let last = node.child_count().checked_sub(1).and_then(|last| node.child(last));
            (vec![left.ok_or(Stop::Fault)?], vec![last.ok_or(Stop::Fault)?])
        } else {
            // An annotation without a value.
            let Some(right) = node.child_by_field_name("right") else { return Ok(()) };
            pairs(left.ok_or(Stop::Fault)?, right)
        };
        self.assign(&lefts, &rights, set, edges, depth)
    }

    /// Follows what is assigned, then sets the names it is assigned to.
    fn assign(
        &mut self,
        lefts: &[Node],
        rights: &[Node],
        set: &mut States,
        edges: &mut Vec<Edge>,
        depth: u32,
    ) -> Walked {
        for right in rights {
            self.node(*right, set, edges, depth + 1)?;
        }
        for (left, right) in lefts.iter().zip(rights) {
            let names = self.variables(Some(*left))?;
            let values = self.variables(Some(*right))?;
            for Token { place, name, .. } in names {
                edges.push(Edge {
                    name,
                    place,
                    relation: Relation::Computed,
                    from_names: values.iter().map(|value| value.name).collect(),
                    from_places: values.iter().map(|value| value.place).collect(),
                });
                set.insert(name, vec![place]);
            }
        }
        Ok(())
    }

    /// Each way begins with what was set before; after it, a name may have been set on any way.
    fn condition(&mut self, node: Node, set: &mut States, edges: &mut Vec<Edge>, depth: u32) -> Walked {
        let before = set.clone();
        let mut ways = Vec::new();
        let mut complete = false;
        for child in node.children(&mut node.walk()) {
            complete |= child.kind().contains("else");
            if matches!(child.kind(), "elif_clause" | "else_clause") {
                let mut way = before.clone();
                self.node(child, &mut way, edges, depth + 1)?;
                ways.push(way);
            } else {
                self.node(child, set, edges, depth + 1)?;
            }
        }
        if !complete {
            ways.push(before);
        }
        for (name, places) in ways.into_iter().flatten() {
            unite(set.entry(name).or_default(), places);
        }
        Ok(())
    }

    /// A loop once.
    fn round(&mut self, node: Node, set: &mut States, edges: &mut Vec<Edge>, depth: u32) -> Walked {
        if node.kind() == "while_statement" {
            let mut cursor = node.walk();
            return node.children(&mut cursor).try_for_each(|child| self.node(child, set, edges, depth + 1));
        }
        let field = |name| node.child_by_field_name(name).ok_or(Stop::Fault);
        let (lefts, rights) = pairs(field("left")?, field("right")?);
        self.assign(&lefts, &rights, set, edges, depth)?;
        let last = node.child_count().checked_sub(1).and_then(|last| node.child(last));
        match last.filter(|child| child.kind() == "block") {
            Some(body) => self.node(body, set, edges, depth + 1),
            None => Ok(()),
        }
    }
}

/// What is assigned to what: part by part where both sides have as many parts, else the whole to the whole. A call has
/// parts too.
fn pairs<'t>(left: Node<'t>, right: Node<'t>) -> (Vec<Node<'t>>, Vec<Node<'t>>) {
    let parts = |node: Node<'t>| {
        let parts: Vec<Node> = node.children(&mut node.walk()).filter(|part| part.kind() != ",").collect();
        parts
    };
    let (lefts, rights) = (parts(left), parts(right));
    if lefts.len() == rights.len() && !lefts.is_empty() { (lefts, rights) } else { (vec![left], vec![right]) }
}

/// The edges of both rounds of a loop, those of one name, place and relation united, by place.
fn once_each(edges: Vec<Edge>, order: Order) -> Vec<Edge> {
    let mut known: HashMap<(u32, Relation), usize> = HashMap::new();
    let mut out: Vec<Edge> = Vec::new();
    for edge in edges {
        match known.get(&(edge.place, edge.relation)) {
            Some(at) => {
                order.unite(&mut out[*at].from_names, edge.from_names);
                unite(&mut out[*at].from_places, edge.from_places);
            }
            None => {
                known.insert((edge.place, edge.relation), out.len());
                out.push(edge);
            }
        }
    }
    out
}
