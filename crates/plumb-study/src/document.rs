//! What a domain has to say, as data: prose, tables, charts.
//!
//! A run's own report is [`crate::Results`]. Everything else that a command computes and a person reads (a comparison,
//! a validation, an alignment with people, a study's analysis) is a [`Document`]; `plumb-report` writes it for a
//! terminal, as JSON and as one self-contained page. Text may be anybody's: whoever shows it makes it safe. There is no
//! clock in it, so equal documents give equal bytes.
//!
//! Start at [`Document::new`].

mod chart;
mod table;

pub use chart::{Bar, Bars, Chart, Dot, Dots, Lines, Mark, Scatter, Series, Stretch};
pub use table::{Align, Cell, Column, Table};

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What kind of document it is, in two or three words: `Comparison of two runs`.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// What it is about, in a sentence or two.
    pub about: Option<String>,
    /// The few figures that a reader wants first: (name, value).
    pub facts: Vec<(String, String)>,
    /// What a reader must know before the numbers.
    pub warnings: Vec<String>,
    /// The body.
    pub sections: Vec<Section>,
}

/// A part of a document under a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// What is under it.
    pub blocks: Vec<Block>,
}

/// One piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Prose(String),
    /// How something was computed, in smaller letters.
    Note(String),
    /// Points of a list.
    List(Vec<String>),
    /// A heading within the section.
    Heading(String),
    /// A table.
    Table(Table),
    /// A chart. What it shows is in a table, too, or in its own data in the JSON form.
    Chart(Chart),
    /// Text as somebody wrote it, such as a model's answer or code.
    Quote(String),
    /// Blocks behind a click; on a terminal only the title is shown.
    Fold {
        /// What is behind it.
        title: String,
        /// The blocks.
        blocks: Vec<Block>,
    },
}

/// How a word is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A good outcome.
    Good,
    /// A bad outcome.
    Bad,
    /// Something to be careful with.
    Warn,
    /// Less important: dominated, not significant.
    Faint,
}

impl Document {
    /// A document without contents.
    pub fn new(kind: impl Into<String>, title: impl Into<String>) -> Document {
        Document {
            kind: kind.into(),
            title: title.into(),
            about: None,
            facts: Vec::new(),
            warnings: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// Adds a figure to the head.
    pub fn fact(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Document {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// Adds which version of a benchmark a plan is, and what must be known of that plan before any number.
    pub fn of_plan(&mut self, plan: &crate::plan::Plan) -> &mut Document {
        if let Some(benchmark) = &plan.benchmark {
            self.fact("version", benchmark.version.to_string());
        }
        self.warnings.extend(plan.marks());
        self
    }

    /// Adds what must be known before the numbers.
    pub fn warn(&mut self, warning: impl Into<String>) -> &mut Document {
        self.warnings.push(warning.into());
        self
    }

    /// Opens a section at the end and returns it.
    pub fn section(&mut self, title: impl Into<String>) -> &mut Section {
        self.sections.push(Section { title: title.into(), blocks: Vec::new() });
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }
}

impl Section {
    /// Adds a block.
    pub fn push(&mut self, block: Block) -> &mut Section {
        self.blocks.push(block);
        self
    }

    /// Adds a paragraph.
    pub fn prose(&mut self, text: impl Into<String>) -> &mut Section {
        self.push(Block::Prose(text.into()))
    }

    /// Adds how something was computed.
    pub fn note(&mut self, text: impl Into<String>) -> &mut Section {
        self.push(Block::Note(text.into()))
    }

    /// Adds a heading within the section.
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Section {
        self.push(Block::Heading(text.into()))
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> &mut Section {
        self.push(Block::Table(table))
    }

    /// Adds a chart.
    pub fn chart(&mut self, chart: impl Into<Chart>) -> &mut Section {
        self.push(Block::Chart(chart.into()))
    }
}
