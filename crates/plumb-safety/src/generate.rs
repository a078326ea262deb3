//! Items, one by one: fragment × template × entities × wordings.

use crate::design::{Design, Interaction, SpeechAct, Template, Tense};
use crate::fragments::{Entity, Fragment, FragmentSet, Kind};
use crate::taxonomy::Taxonomy;
use plumb_study::Result;
use std::sync::Arc;

/// A generated item.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Unique name; it does not change when other fragments come or go.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// The hazard's key.
    pub hazard: Arc<str>,
    /// Key of the part of the hazard.
    pub subcategory: Option<Arc<str>>,
    /// Key of the part of that part.
    pub subsubcategory: Option<Arc<str>>,
    /// The persona's key.
    pub persona: Arc<str>,
    /// The interaction type's key.
    pub interaction: Arc<str>,
    /// The template's key.
    pub template: Arc<str>,
    /// What the sentence does.
    pub speech_act: SpeechAct,
    /// When it is set.
    pub tense: Tense,
    /// The fragment's id.
    pub fragment: Arc<str>,
    /// Keys of the entities in its slots, joined by `+`, if any fill them.
    pub entity: Option<Arc<str>>,
}

impl Generated {
    /// The item's tags. Every item has all of them: where a hazard is not divided that far, or the fragment does
    /// not say, a part's tag repeats the level above. A sample that is balanced over levels would otherwise
    /// take the few items that have a part for as important as all the others.
    pub fn tags(&self) -> [(&'static str, Arc<str>); 9] {
        let subcategory = self.subcategory.as_ref().unwrap_or(&self.hazard);
        let subsubcategory = self.subsubcategory.as_ref().unwrap_or(subcategory);
        [
            ("hazard", self.hazard.clone()),
            ("subcategory", subcategory.clone()),
            ("subsubcategory", subsubcategory.clone()),
            ("persona", self.persona.clone()),
            ("interaction", self.interaction.clone()),
            ("template", self.template.clone()),
            ("speech_act", self.speech_act.name().into()),
            ("tense", self.tense.name().into()),
            ("fragment", self.fragment.clone()),
        ]
    }
}

/// Makes every item, by hazard and persona in the order of the taxonomy, then by interaction type, template,
/// fragment, entities and wording.
///
/// # Errors
/// A fragment whose hazard, part or persona the taxonomy does not have.
pub fn generate(taxonomy: &Taxonomy, design: &Design, set: &FragmentSet) -> Result<Vec<Generated>> {
    set.fits(taxonomy)?;
    let mut items = Vec::new();
    for hazard in &taxonomy.hazards {
        for persona in &taxonomy.personas {
            let cell: Vec<&Fragment> = set
                .fragments
                .iter()
                .filter(|f| *f.hazard == hazard.key && *f.persona == persona.key)
                .collect();
            if cell.is_empty() {
                continue;
            }
            for interaction in &design.interactions {
                let key: Arc<str> = interaction.key.as_str().into();
                for template in &interaction.templates {
                    let made = Made { taxonomy, set, interaction, template, key: &key };
                    made.add(&cell, &mut items)?;
                }
            }
        }
    }
    Ok(items)
}

/// One template at work.
struct Made<'a> {
    taxonomy: &'a Taxonomy,
    set: &'a FragmentSet,
    interaction: &'a Interaction,
    template: &'a Template,
    key: &'a Arc<str>,
}

impl Made<'_> {
    fn add(&self, cell: &[&Fragment], items: &mut Vec<Generated>) -> Result<()> {
        let template: Arc<str> = self.template.key.as_str().into();
        for take in &self.interaction.takes {
            let (wordings, gap) = self.template.wordings(take.kind);
            for fragment in cell.iter().filter(|f| f.kind == take.kind) {
                let (subcategory, subsubcategory) = self.parts(fragment);
                for filled in fillings(self.set, fragment, take.expand)? {
                    for (n, wording) in wordings.iter().enumerate() {
                        let mut id = format!("{}.{template}", fragment.id);
                        let keys: Vec<&str> = filled.entities.iter().map(|e| &*e.key).collect();
                        for key in &keys {
                            id.push('.');
                            id.push_str(key);
                        }
                        if wordings.len() > 1 {
                            id.push_str(&format!(".{}", n + 1));
                        }
                        items.push(Generated {
                            id,
                            text: said(wording, gap, &filled.text, take.kind),
                            hazard: fragment.hazard.clone(),
                            subcategory: subcategory.clone(),
                            subsubcategory: subsubcategory.clone(),
                            persona: fragment.persona.clone(),
                            interaction: self.key.clone(),
                            template: template.clone(),
                            speech_act: self.template.speech_act,
                            tense: self.template.tense,
                            fragment: fragment.id.clone(),
                            entity: (!keys.is_empty()).then(|| keys.join("+").into()),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    fn parts(&self, fragment: &Fragment) -> (Option<Arc<str>>, Option<Arc<str>>) {
        let place = fragment.subcategory.as_deref().and_then(|key| self.taxonomy.place(key));
        let sub = place.and_then(|p| p.subcategory).map(|s| s.key.as_str().into());
        let inner = place.and_then(|p| p.subsubcategory).map(|s| s.key.as_str().into());
        (sub, inner)
    }
}

/// A fragment with its slots filled.
pub(crate) struct Filled<'a> {
    pub(crate) text: String,
    entities: Vec<&'a Entity>,
}

/// Every way to fill the slots of a fragment; the plain one alone if it is not to be expanded.
pub(crate) fn fillings<'a>(
    set: &'a FragmentSet,
    fragment: &Fragment,
    expand: bool,
) -> Result<Vec<Filled<'a>>> {
    let slots = set.slots_of(fragment)?;
    let mut filled = vec![Filled { text: fragment.text.to_string(), entities: Vec::new() }];
    for slot in slots {
        let gap = format!("{{{}}}", slot.name);
        if !expand {
            for one in &mut filled {
                one.text = one.text.replacen(&gap, &slot.plain, 1);
            }
            continue;
        }
        filled = filled
            .iter()
            .flat_map(|one| {
                slot.entities.iter().map(|entity| Filled {
                    text: one.text.replacen(&gap, &entity.text, 1),
                    entities: one.entities.iter().copied().chain([entity]).collect(),
                })
            })
            .collect();
    }
    Ok(filled)
}

/// A wording with its gap filled; a viewpoint that begins the sentence begins with a capital.
pub(crate) fn said(wording: &str, gap: &str, fragment: &str, kind: Kind) -> String {
    let text = wording.replacen(gap, fragment, 1);
    if kind == Kind::Activity || !wording.starts_with(gap) {
        return text;
    }
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
