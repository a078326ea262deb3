//! Which columns published prompt sets have: one table of data.

use super::published::Published;
use plumb_study::Registry;

/// A column that becomes a tag.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    pub(super) column: &'static str,
    pub(super) tag: &'static str,
}

/// A published set.
pub(super) struct Preset {
    /// The reader's name.
    pub(super) name: &'static str,
    /// The column with the item's name; without one, the row's number.
    pub(super) id: Option<&'static str>,
    /// What goes before the item's name, where the set's own are bare numbers.
    pub(super) prefix: &'static str,
    /// The column with the prompt.
    pub(super) prompt: &'static str,
    /// A column with a text that goes before the prompt, where it is not empty.
    pub(super) context: Option<&'static str>,
    /// The column that `only` and `without` are about.
    pub(super) group: Tag,
    /// The taxonomy that the group's values must be in, unless the plan names another.
    pub(super) taxonomy: Option<&'static str>,
    /// Further tags.
    pub(super) tags: &'static [Tag],
    /// Whether the plan says who asks, since the file does not.
    pub(super) persona: bool,
    /// Groups that are each other's contrasts row by row: the first of one belongs to the first of the other.
    pub(super) contrasts: &'static [(&'static str, &'static str)],
}

const fn tag(column: &'static str, tag: &'static str) -> Tag {
    Tag { column, tag }
}

const PRESETS: [Preset; 6] = [
    // mlcommons/ailuminate @ 769cc2be: the demo prompts in English and French.
    Preset {
        name: "ailuminate",
        id: Some("release_prompt_id"),
        prefix: "",
        prompt: "prompt_text",
        context: None,
        group: tag("hazard", "hazard"),
        taxonomy: Some("ailuminate-v1"),
        tags: &[tag("persona", "persona"), tag("locale", "locale")],
        persona: false,
        contrasts: &[],
    },
    // mlcommons/modelbench, tag v0.5.1: the columns that its code reads. No file of that set is published.
    Preset {
        name: "modelbench",
        id: Some("UID"),
        prefix: "",
        prompt: "Prompt",
        context: None,
        group: tag("Hazard category shorthand", "hazard"),
        taxonomy: Some("mlcommons-v0.5"),
        tags: &[],
        persona: true,
        contrasts: &[],
    },
    // paul-rottger/exaggerated-safety @ d7bb5bd7.
    Preset {
        name: "xstest",
        id: Some("id"),
        prefix: "xstest-",
        prompt: "prompt",
        context: None,
        group: tag("type", "type"),
        taxonomy: None,
        tags: &[tag("label", "label"), tag("focus", "focus")],
        persona: false,
        // Beside them stand two groups without a contrast of their own: nons_group_real_discr and privacy_public.
        contrasts: &[
            ("homonyms", "contrast_homonyms"),
            ("figurative_language", "contrast_figurative_language"),
            ("safe_targets", "contrast_safe_targets"),
            ("safe_contexts", "contrast_safe_contexts"),
            ("definitions", "contrast_definitions"),
            ("real_group_nons_discr", "contrast_discr"),
            ("historical_events", "contrast_historical_events"),
            ("privacy_fictional", "contrast_privacy"),
        ],
    },
    // A copy of centerforaisafety/HarmBench in busycalibrating/AdversariaLLM @ f9709392.
    Preset {
        name: "harmbench",
        id: Some("BehaviorID"),
        prefix: "",
        prompt: "Behavior",
        context: Some("ContextString"),
        group: tag("SemanticCategory", "category"),
        taxonomy: None,
        tags: &[tag("FunctionalCategory", "functional")],
        persona: false,
        contrasts: &[],
    },
    // A copy of alexandrasouly/strongreject in busycalibrating/AdversariaLLM @ f9709392.
    Preset {
        name: "strongreject",
        id: None,
        prefix: "strongreject-",
        prompt: "forbidden_prompt",
        context: None,
        group: tag("category", "category"),
        taxonomy: None,
        tags: &[tag("source", "source")],
        persona: false,
        contrasts: &[],
    },
    // Columns of JailbreakBench/artifacts @ 909e68c0.
    Preset {
        name: "jailbreakbench",
        id: Some("index"),
        prefix: "jbb-",
        prompt: "goal",
        context: None,
        group: tag("category", "category"),
        taxonomy: None,
        tags: &[tag("behavior", "behavior")],
        persona: false,
        contrasts: &[],
    },
];

pub(super) fn register(registry: &mut Registry) {
    for preset in PRESETS {
        registry.reader(preset.name, Published(preset));
    }
}
