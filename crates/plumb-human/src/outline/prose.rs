//! Words in Markdown as blocks of a document: what a page shows as list or heading is one in an outline, too.
//!
//! Emphasis is left out, since a block's words have none; so are images, which no page of a study shows.

use plumb_study::document::Block;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut found = Found::default();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        found.take(event);
    }
    found.blocks
}

#[derive(Default)]
struct Found {
    blocks: Vec<Block>,
    words: String,
    points: Vec<String>,
    /// The next number of each open list; none has a point.
    lists: Vec<Option<u64>>,
}

impl Found {
    fn take(&mut self, event: Event) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.words.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => self.words.push(' '),
            Event::Start(Tag::List(first)) => {
                self.point();
                self.lists.push(first);
            }
            Event::Start(Tag::Item) => {
                if let Some(Some(number)) = self.lists.last_mut() {
                    self.words = format!("{number}. ");
                    *number += 1;
                }
            }
            // A list's items may be paragraphs, which stay with their point.
            Event::End(TagEnd::Paragraph) if !self.lists.is_empty() => self.words.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::TableHead | TagEnd::TableRow) => self.block(Block::Prose),
            Event::End(TagEnd::Heading(_)) => self.block(Block::Heading),
            Event::End(TagEnd::CodeBlock) => self.block(Block::Quote),
            Event::End(TagEnd::TableCell) => self.words.push_str("  "),
            Event::End(TagEnd::Item) => self.point(),
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.blocks.push(Block::List(std::mem::take(&mut self.points)));
                }
            }
            _ => {}
        }
    }

    fn block(&mut self, of: fn(String) -> Block) {
        let words = std::mem::take(&mut self.words);
        if !words.trim().is_empty() {
            self.blocks.push(of(words.trim().to_owned()));
        }
    }

    fn point(&mut self) {
        let words = std::mem::take(&mut self.words);
        if !words.trim().is_empty() {
            self.points.push(words.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_headings_are_what_they_are_and_emphasis_is_left_out() {
        let text = "# One\n\n**Two** and\n`three`.\n\n- four\n- *five*\n  on\n\n1. six\n2. seven\n   - eight\n\n| a | b |\n|---|---|\n| 1 | <b> |\n";
        let words = |list: &[&str]| Block::List(list.iter().map(|w| (*w).to_owned()).collect());
        assert_eq!(
            blocks(text),
            [
                Block::Heading("One".into()),
                Block::Prose("Two and three.".into()),
                words(&["four", "five on"]),
                words(&["1. six", "2. seven", "eight"]),
                Block::Prose("a  b".into()),
                Block::Prose("1  <b>".into()),
            ]
        );
        assert_eq!(blocks(" \n"), []);
    }
}
