//! How fragments of sentences become items: interaction types with their templates.

use crate::fragments::Kind;
use crate::key::is_key;
use plumb_study::written::{line_of, parse};
use plumb_study::{Error, Result};
use serde::Deserialize;
use std::collections::HashMap;
use toml::Spanned;

/// A design of items.
#[derive(Debug, Clone)]
pub struct Design {
    /// Name by which plans refer to it.
    pub name: String,
    /// Version of the data.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// Most words of an item (style).
    pub longest: usize,
    /// The interaction types, in their order.
    pub interactions: Vec<Interaction>,
    /// How many fragments a published set had.
    pub published: Vec<Published>,
}

/// A way to speak with a model about an activity or a viewpoint.
#[derive(Debug, Clone)]
pub struct Interaction {
    /// Key in tags.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// What an unsafe reply typically does.
    pub unsafe_reply: String,
    /// Which fragments it takes.
    pub takes: Vec<Takes>,
    /// Its templates.
    pub templates: Vec<Template>,
}

/// A kind of fragments that an interaction type takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Takes {
    /// The kind.
    pub kind: Kind,
    /// Whether slots are filled with every entity (else once, with what is plain).
    pub expand: bool,
}

/// A sentence with a gap.
#[derive(Debug, Clone)]
pub struct Template {
    /// Key in tags, unique in the design.
    pub key: String,
    /// What the sentence does.
    pub speech_act: SpeechAct,
    /// When it is set.
    pub tense: Tense,
    /// Wordings around `{activity}`; each makes an item.
    pub activity: Vec<String>,
    /// Wordings around `{viewpoint}`; each makes an item.
    pub viewpoint: Vec<String>,
}

impl Template {
    /// The wordings for a kind of fragment, and the name of their gap.
    pub(crate) fn wordings(&self, kind: Kind) -> (&[String], &'static str) {
        match kind {
            Kind::Activity => (&self.activity, "{activity}"),
            Kind::Viewpoint | Kind::OpenViewpoint => (&self.viewpoint, "{viewpoint}"),
        }
    }
}

/// What a sentence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SpeechAct {
    /// It asks.
    #[serde(rename = "interrogative")]
    Interrogative,
    /// It tells to do something.
    #[serde(rename = "imperative")]
    Imperative,
    /// It states.
    #[serde(rename = "assertive")]
    Assertive,
    /// It states and then asks.
    #[serde(rename = "assertive and interrogative")]
    AssertiveInterrogative,
}

impl SpeechAct {
    /// Name in files and tags.
    pub fn name(self) -> &'static str {
        match self {
            SpeechAct::Interrogative => "interrogative",
            SpeechAct::Imperative => "imperative",
            SpeechAct::Assertive => "assertive",
            SpeechAct::AssertiveInterrogative => "assertive and interrogative",
        }
    }

    /// Whether it ends in a question.
    pub fn asks(self) -> bool {
        matches!(self, SpeechAct::Interrogative | SpeechAct::AssertiveInterrogative)
    }
}

/// When a sentence is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tense {
    /// Before now.
    Past,
    /// Now.
    Present,
    /// After now.
    Future,
}

impl Tense {
    /// Name in files and tags.
    pub fn name(self) -> &'static str {
        match self {
            Tense::Past => "past",
            Tense::Present => "present",
            Tense::Future => "future",
        }
    }
}

/// How many fragments a published set had for a hazard and a persona.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The hazard's key.
    pub hazard: String,
    /// The persona's key.
    pub persona: String,
    /// Activities.
    pub activities: usize,
    /// Activities after their slots are filled, where that is more.
    #[serde(default)]
    pub entities: Option<usize>,
    /// Viewpoints that are expressed and asked for.
    pub viewpoints: usize,
    /// Viewpoints that are only asked about openly.
    #[serde(default)]
    pub open_viewpoints: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    version: String,
    title: String,
    source: String,
    longest: usize,
    interaction: Vec<Spanned<WrittenInteraction>>,
    #[serde(default)]
    published: Vec<Published>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenInteraction {
    key: String,
    name: String,
    unsafe_reply: String,
    takes: Vec<Takes>,
    template: Vec<Spanned<WrittenTemplate>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTemplate {
    key: String,
    speech_act: SpeechAct,
    tense: Tense,
    #[serde(default)]
    activity: OneOrMore,
    #[serde(default)]
    viewpoint: OneOrMore,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        OneOrMore::More(Vec::new())
    }
}

impl From<OneOrMore> for Vec<String> {
    fn from(written: OneOrMore) -> Vec<String> {
        match written {
            OneOrMore::One(text) => vec![text],
            OneOrMore::More(texts) => texts,
        }
    }
}

impl Design {
    /// The items of v0.5.
    pub const V0_5: &str = "v0.5";

    /// Designs that come with the program: name and text.
    pub(crate) const BUILTIN: [(&str, &str); 1] = [(Design::V0_5, include_str!("../data/design-v0.5.toml"))];

    /// Parses a design. `path` is for messages.
    ///
    /// # Errors
    /// A fault names file and line: no TOML, an unknown or missing key, a key used twice, a template without
    /// a wording for a kind of fragment that its interaction type takes.
    pub fn parse(text: &str, path: &str) -> Result<Design> {
        let written: Written = parse(text, path)?;
        let mut seen = HashMap::new();
        let mut interactions = Vec::with_capacity(written.interaction.len());
        for spanned in written.interaction {
            let line = line_of(text, spanned.span().start);
            let interaction = spanned.into_inner();
            fresh(&mut seen, ("interaction type", &interaction.key), line, path)?;
            let kinds: Vec<Kind> = interaction.takes.iter().map(|t| t.kind).collect();
            if Kind::ALL.iter().any(|kind| kinds.iter().filter(|k| *k == kind).count() > 1) {
                return Err(Error::plan(format!("{path}:{line}: `takes` names a kind of fragment twice")));
            }
            let mut templates = Vec::with_capacity(interaction.template.len());
            for spanned in interaction.template {
                let line = line_of(text, spanned.span().start);
                let template = spanned.into_inner();
                fresh(&mut seen, ("template", &template.key), line, path)?;
                let template = Template {
                    key: template.key,
                    speech_act: template.speech_act,
                    tense: template.tense,
                    activity: template.activity.into(),
                    viewpoint: template.viewpoint.into(),
                };
                worded(&template, &interaction.takes).map_err(|e| e.at(format!("{path}:{line}")))?;
                templates.push(template);
            }
            interactions.push(Interaction {
                key: interaction.key,
                name: interaction.name,
                unsafe_reply: interaction.unsafe_reply,
                takes: interaction.takes,
                templates,
            });
        }
        Ok(Design {
            name: written.name,
            version: written.version,
            title: written.title,
            source: written.source,
            longest: written.longest,
            interactions,
            published: written.published,
        })
    }

    /// The interaction type of that key.
    pub fn interaction(&self, key: &str) -> Option<&Interaction> {
        self.interactions.iter().find(|i| i.key == key)
    }
}

/// Keys of types and templates are both in item ids and tags, so that each kind of key must be unique.
fn fresh(
    seen: &mut HashMap<(&'static str, String), usize>,
    (what, key): (&'static str, &str),
    line: usize,
    path: &str,
) -> Result<()> {
    if !is_key(key) {
        return Err(Error::plan(format!("{path}:{line}: \"{key}\" cannot be a key"))
            .help("use small letters, digits, '-' and '_'"));
    }
    match seen.insert((what, key.to_owned()), line) {
        Some(first) => Err(Error::plan(format!("{path}:{line}: a {what} \"{key}\" was there before"))
            .help(format!("it is at {path}:{first}; keys must be unique"))),
        None => Ok(()),
    }
}

/// Every kind that is taken needs wordings, and each wording its gap, once.
fn worded(template: &Template, takes: &[Takes]) -> Result<()> {
    for take in takes {
        let (wordings, gap) = template.wordings(take.kind);
        if wordings.is_empty() {
            let name = gap.trim_matches(['{', '}']);
            return Err(Error::plan(format!("the template \"{}\" has no wording `{name}`", template.key))
                .help(format!("its interaction type takes fragments of kind \"{}\"", take.kind.name())));
        }
        if let Some(wrong) = wordings.iter().find(|w| w.matches(gap).count() != 1) {
            return Err(Error::plan(format!(
                "the template \"{}\" must hold {gap} once: \"{wrong}\"",
                template.key
            )));
        }
    }
    Ok(())
}
