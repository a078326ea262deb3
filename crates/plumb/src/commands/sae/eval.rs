//! `plumb sae eval`: how well rows are described, what the model loses, and whether it stands at the right layer.

use super::place::{self, LONGEST, Loaded};
use super::train::figures;
use crate::cli::SaeEval;
use crate::compose::World;
use crate::exit::{Exit, Problem, note, say};
use crate::show;
use crate::strangers::stranger;
use crate::texts;
use plumb_lm::sae::Sae;
use plumb_lm::sae::measure::{Measure, Measured, Spliced, captured, splice};
use plumb_lm::sae::store::{Rows, Wanted};
use plumb_lm::{Class, Labelled, Model, Site, TokenId};
use plumb_study::document::{Bar, Bars, Cell, Chart, Document, Table};

pub fn run(args: &SaeEval, world: &World) -> Result<Exit, Problem> {
    let sae = place::open(world, &args.name)?;
    let loaded = place::model_of(world, &sae, args.model.as_deref())?;
    let site = place::site_of(&sae, &loaded, args.site.as_deref())?;
    let (rows, mut documents) = match &args.input {
        Some(path) => (None, texts::read(&loaded.model, path, LONGEST)?.documents),
        None => {
            let rows = set_aside(&sae, world, site, &loaded)?;
            let documents = rows.documents().into_iter().map(|(_, tokens)| plain(tokens)).collect();
            (Some(rows), documents)
        }
    };
    documents.retain(|document: &Labelled| document.tokens.len() > 2);
    if documents.is_empty() {
        return Err(Problem::usage("no documents to measure on (expected texts of at least three tokens)"));
    }
    let mut found = match &rows {
        Some(rows) => stored(&sae, rows, args.tokens),
        None => computed(&sae, &loaded.model, &[site], &documents, args.tokens)?,
    };
    let stranger = stranger(&sae, &loaded.name, &loaded.digest);
    let few = few(&documents, args.splice_tokens);
    let spliced = match few.is_empty() {
        true => None,
        false => splice(&loaded.model, &sae, site, &few, &mut |done| {
            if done % 10 == 0 {
                note(format_args!("spliced into {done} of {} documents", few.len()));
            }
        })?,
    };
    let labelled: Vec<Labelled> = few.iter().map(|tokens| plain(tokens)).collect();
    let beside: Vec<Site> = std::iter::once(site).chain(neighbours(site, &loaded.model)).collect();
    let layers = match few.is_empty() {
        true => Vec::new(),
        false => computed(&sae, &loaded.model, &beside, &labelled, args.splice_tokens)?.all,
    };
    found.warnings = warnings(stranger, &found, &layers);
    show(args, &sae, &loaded, site, &found, spliced.as_ref(), &layers)?;
    Ok(Exit::Done)
}

/// What rows showed.
struct Found {
    /// For each site, or class of tokens by its name.
    all: Vec<(String, Measured)>,
    classes: Vec<(String, Measured)>,
    frequencies: [usize; 7],
    warnings: Vec<String>,
}

/// Rows of documents set aside in the training that made it.
fn set_aside(sae: &Sae, world: &World, site: Site, loaded: &Loaded) -> Result<Rows, Problem> {
    let rows = place::rows_of_training(world, sae, site, loaded, Wanted::Unseen)?;
    if rows.is_empty() {
        return Err(Problem::usage("no documents were set aside").help(place::NAME_TEXTS));
    }
    Ok(rows)
}

fn plain(tokens: &[TokenId]) -> Labelled {
    let class = |at: usize| if at == 0 { Class::First } else { Class::Text };
    Labelled { tokens: tokens.to_vec(), classes: (0..tokens.len()).map(class).collect() }
}

/// Documents of so many tokens together.
fn few(documents: &[Labelled], tokens: usize) -> Vec<Vec<TokenId>> {
    let mut left = tokens;
    let mut few = Vec::new();
    for document in documents {
        let take = document.tokens.len().min(left).min(LONGEST);
        if take > 2 {
            few.push(document.tokens[..take].to_vec());
        }
        left -= take;
    }
    few
}

fn stored(sae: &Sae, rows: &Rows, most: usize) -> Found {
    let count = rows.len().min(most);
    let numbers: Vec<usize> = (0..count).map(|at| at * rows.len() / count).collect();
    let mut whole = Measure::new(sae);
    let mut classes: Vec<(Class, Vec<usize>)> = Vec::new();
    for number in &numbers {
        let class = rows.place(*number).class;
        match classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, list)) => list.push(*number),
            None => classes.push((class, vec![*number])),
        }
    }
    let mut found = Found { all: Vec::new(), classes: Vec::new(), frequencies: [0; 7], warnings: Vec::new() };
    classes.sort_by_key(|(class, _)| *class);
    for (class, numbers) in classes {
        let mut one = Measure::new(sae);
        for numbers in numbers.chunks(512) {
            let rows = rows.gather(numbers);
            one.add(sae, &rows);
            whole.add(sae, &rows);
        }
        found.classes.extend(one.result().map(|measured| (class.name().to_owned(), measured)));
    }
    found.frequencies = whole.frequencies();
    found.all.extend(whole.result().map(|measured| ("here".to_owned(), measured)));
    found
}

/// Measures at each of `sites`, the first token of every document and attention sinks left out.
fn computed(
    sae: &Sae,
    model: &Model,
    sites: &[Site],
    documents: &[Labelled],
    most: usize,
) -> Result<Found, Problem> {
    let documents: Vec<&[TokenId]> = documents.iter().map(|document| document.tokens.as_slice()).collect();
    let measures = captured(sae, model, sites, &documents, most)?;
    let all = sites.iter().zip(&measures);
    let all = all.filter_map(|(site, measure)| Some((site.to_string(), measure.result()?))).collect();
    Ok(Found { all, classes: Vec::new(), frequencies: measures[0].frequencies(), warnings: Vec::new() })
}

/// The same kind of site one layer up and down.
fn neighbours(site: Site, model: &Model) -> Vec<Site> {
    let moved = |layer: usize| {
        Some(match site {
            Site::ResidPre(_) => Site::ResidPre(layer),
            Site::ResidMid(_) => Site::ResidMid(layer),
            Site::ResidPost(_) => Site::ResidPost(layer),
            Site::AttnOut(_) => Site::AttnOut(layer),
            Site::MlpOut(_) => Site::MlpOut(layer),
            Site::Heads(_) => Site::Heads(layer),
            Site::Neurons(_) => Site::Neurons(layer),
            _ => return None,
        })
    };
    let Some(layer) = site.layer() else { return Vec::new() };
    let near = [layer.checked_sub(1), Some(layer + 1).filter(|up| *up < model.config().layers)];
    near.into_iter().flatten().filter_map(moved).collect()
}

fn warnings(stranger: Option<String>, found: &Found, layers: &[(String, Measured)]) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(stranger) = stranger {
        let here = found.all.first().map_or_else(String::new, |(_, m)| format!("; FVU here is {:.3}", m.fvu));
        warnings.push(format!("{stranger}{here}"));
    }
    if let Some(((name, here), others)) = layers.split_first() {
        for (other, measured) in others.iter().filter(|(_, measured)| measured.explained > here.explained) {
            warnings.push(format!(
                "it describes {other} better than {name} (explained variance {:.1} % against {:.1} %): layers may be counted \
                 differently where it comes from",
                100.0 * measured.explained,
                100.0 * here.explained
            ));
        }
    }
    warnings
}

fn show(
    args: &SaeEval,
    sae: &Sae,
    loaded: &Loaded,
    site: Site,
    found: &Found,
    spliced: Option<&Spliced>,
    layers: &[(String, Measured)],
) -> Result<(), Problem> {
    if args.json {
        let named = |list: &[(String, Measured)]| -> serde_json::Map<String, serde_json::Value> {
            list.iter().map(|(name, measured)| (name.clone(), figures(measured))).collect()
        };
        say(serde_json::json!({
            "name": args.name, "digest": sae.digest(), "model": loaded.name, "model_digest": loaded.digest,
            "site": site.to_string(), "measured": found.all.first().map(|(_, measured)| figures(measured)),
            "classes": named(&found.classes), "frequencies": found.frequencies, "layers": named(layers),
            "spliced": spliced.map(|s| serde_json::json!({
                "tokens": s.tokens, "ce_clean": s.clean, "ce_spliced": s.spliced, "ce_zeroed": s.zeroed, "kl": s.kl,
                "kl_zeroed": s.kl_zeroed, "ce_recovered": s.ce_recovered(), "kl_recovered": s.kl_recovered(),
            })),
            "warnings": found.warnings,
        }));
    }
    let document = document(args, sae, loaded, site, found, spliced, layers);
    if let Some(path) = &args.html {
        std::fs::write(path, plumb_report::document_html(&document)?).map_err(Problem::io(path))?;
    }
    if !args.json {
        say(plumb_report::document_terminal(&document, show::style()).trim_end());
    }
    Ok(())
}

fn document(
    args: &SaeEval,
    sae: &Sae,
    loaded: &Loaded,
    site: Site,
    found: &Found,
    spliced: Option<&Spliced>,
    layers: &[(String, Measured)],
) -> Document {
    let mut document =
        Document::new("Sparse autoencoder", format!("{} at {site} of {}", args.name, loaded.name));
    document.fact("latents", sae.latents().to_string());
    document.fact("kind", sae.activation().name());
    document.fact("digest", sae.digest().chars().take(12).collect::<String>());
    document.fact("model file", loaded.digest.chars().take(12).collect::<String>());
    found.warnings.iter().for_each(|warning| {
        document.warn(warning.as_str());
    });
    let columns = ["tokens of", "#tokens", "#explained variance", "#FVU", "#L0", "#cosine", "#dead"];
    let row = |(name, m): &(String, Measured)| {
        [
            Cell::Text(name.clone()),
            Cell::Count(m.rows as u64),
            Cell::Share(m.explained, 1),
            Cell::Number(m.fvu, 4),
            Cell::Number(m.l0, 1),
            Cell::Number(m.cosine, 4),
            Cell::Share(m.dead, 1),
        ]
    };
    let mut table = Table::new("", &columns);
    for (_, measured) in &found.all {
        table.row(row(&("all".to_owned(), measured.clone())));
    }
    found.classes.iter().for_each(|one| {
        table.row(row(one));
    });
    let section = document.section("How well activations are described");
    section.table(table).note(
        "Explained variance is 1 - E‖x - x̂‖² / (E‖x‖² - ‖E x‖²), sums in f64 over all tokens. First tokens, beginning tokens \
         and sinks are left out. Dead: latents active in none of these tokens.",
    );
    let names = ["none", "< 0.01 %", "< 0.1 %", "< 1 %", "< 10 %", "< 100 %", "all"];
    let bars = names.iter().zip(found.frequencies);
    section.chart(Chart::Bars(Bars {
        title: "Latents by the share of tokens in which they are active".to_owned(),
        y: "latents".to_owned(),
        share: false,
        bars: bars
            .map(|(name, count)| Bar { label: (*name).to_owned(), heights: vec![count as f64] })
            .collect(),
        parts: vec!["latents".to_owned()],
    }));
    if let Some(s) = spliced {
        let mut table =
            Table::new("", &["in the activations' place", "#cross-entropy", "#KL from the model"]);
        table.row([Cell::Text("nothing".into()), Cell::Number(s.clean, 4), Cell::Number(0.0, 4)]);
        table.row([Cell::Text("reconstructions".into()), Cell::Number(s.spliced, 4), Cell::Number(s.kl, 4)]);
        table.row([Cell::Text("zeros".into()), Cell::Number(s.zeroed, 4), Cell::Number(s.kl_zeroed, 4)]);
        let part = |share: Option<f64>| {
            share.map_or_else(|| "not defined".to_owned(), |x| format!("{:.1} %", 100.0 * x))
        };
        let said = format!(
            "Of what zeros cost, {} of the cross-entropy and {} of the divergence are recovered, over {} predicted tokens.",
            part(s.ce_recovered()),
            part(s.kl_recovered()),
            s.tokens
        );
        document.section("What the model loses").table(table).prose(said);
    }
    if layers.len() > 1 {
        let mut table = Table::new("", &["site", "#tokens", "#explained variance"]);
        for (name, m) in layers {
            table.row([Cell::Text(name.clone()), Cell::Count(m.rows as u64), Cell::Share(m.explained, 1)]);
        }
        document.section("Neighbouring layers").table(table);
    }
    document
}
