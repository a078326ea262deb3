//! A screen as a page: the one place where a study's words become markup.
//!
//! askama escapes every text; only Markdown of the study's own texts becomes HTML, and HTML within it does not.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use plumb_human::screen::{self, Field, FieldKind, Part, View};
use pulldown_cmark::{Event as Mark, Options, Parser, Tag, TagEnd};

use super::words::Words;

/// What every page has.
pub(super) struct Head {
    pub tag: &'static str,
    pub skip: &'static str,
    pub title: String,
    pub trouble: bool,
}

/// Something shown.
pub(super) enum Shown {
    /// Markdown, which becomes markup as the page is written.
    Text(String),
    Facts(Vec<(String, String)>),
    Value(String, String),
    Code(String, String),
    Pair([(String, String); 2], bool),
    Table(String, Vec<String>, Vec<Vec<String>>),
}

/// A field, ready to be written.
pub(super) struct FieldPage {
    pub id: String,
    pub label: String,
    pub help: Option<String>,
    pub mark: &'static str,
    pub required: bool,
    pub message: Option<String>,
    pub described: String,
    pub value: String,
    pub kind: Kind,
}

/// How a field looks.
pub(super) enum Kind {
    Typed { inputmode: &'static str, unit: String, range: Option<(String, String, String)> },
    Points { low: String, high: String, options: Vec<OptionPage> },
    Options { many: bool, options: Vec<OptionPage> },
    Free { most: usize, lines: u32 },
}

/// An option of a choice.
pub(super) struct OptionPage {
    pub code: String,
    pub words: String,
    pub chosen: bool,
}

/// Where a form goes, and what it says besides its fields.
pub(super) struct FormPage {
    pub action: String,
    pub hidden: Vec<(&'static str, String)>,
    pub submit: String,
    pub decline: Option<String>,
    /// The least width of a window, and what to say in a narrower one.
    pub wide: Option<(u32, String)>,
}

/// A page of a participant.
#[derive(Template)]
#[template(path = "study/screen.html")]
pub(super) struct ScreenPage {
    pub page: Head,
    pub progress: Option<(usize, usize, String)>,
    pub messages: Vec<String>,
    pub mend: &'static str,
    /// (field, its words, what is wrong).
    pub wrong: Vec<(String, String, String)>,
    pub parts: Vec<Shown>,
    pub fields: Vec<FieldPage>,
    pub form: Option<FormPage>,
    /// Label, code, link, words of the link.
    pub ending: Option<(String, String, Option<String>, String)>,
    pub notes: Vec<String>,
    pub links: Vec<(String, String)>,
}

/// What was sent and could not be taken.
#[derive(Default)]
pub(super) struct Refused {
    /// What the person had entered.
    pub sent: Vec<(String, String)>,
    /// (field, message).
    pub wrong: Vec<(String, String)>,
    /// What concerns the whole page.
    pub messages: Vec<String>,
}

impl ScreenPage {
    /// The page of a view, without a form.
    pub(super) fn of(
        view: View,
        words: &'static Words,
        own: &'static screen::Words,
        refused: &Refused,
    ) -> ScreenPage {
        let label =
            |id: &str| view.fields.iter().find(|f| f.id == id).map_or(id, |f| f.label.as_str()).to_owned();
        let wrong: Vec<_> =
            refused.wrong.iter().map(|(id, message)| (id.clone(), label(id), message.clone())).collect();
        let messages: Vec<String> = view.wrong.into_iter().chain(refused.messages.iter().cloned()).collect();
        let progress = view
            .progress
            .map(|(at, of)| (at, of, screen::fill(own.progress, &[&at.to_string(), &of.to_string()])));
        ScreenPage {
            page: Head {
                tag: words.tag,
                skip: words.skip,
                title: view.title,
                trouble: !wrong.is_empty() || !messages.is_empty(),
            },
            progress,
            messages,
            mend: words.mend,
            wrong,
            parts: view.parts.into_iter().map(shown).collect(),
            fields: view.fields.into_iter().map(|f| field(f, own, refused)).collect(),
            form: None,
            ending: None,
            // Whoever sends it too early is told again; nobody should have to find out so.
            notes: view.reading_s.map(|s| screen::fill(own.reading, &[&s.to_string()])).into_iter().collect(),
            links: Vec::new(),
        }
    }

    /// A page that says one thing.
    pub(super) fn says(
        title: &str,
        text: &str,
        words: &'static Words,
        own: &'static screen::Words,
    ) -> ScreenPage {
        let view =
            View { title: title.to_owned(), parts: vec![Part::Text(text.to_owned())], ..View::default() };
        ScreenPage::of(view, words, own, &Refused::default())
    }

    /// The response.
    pub(super) fn respond(&self, status: StatusCode) -> Response {
        rendered(self, status)
    }
}

/// A template as a response.
pub(super) fn rendered(template: &impl Template, status: StatusCode) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be written").into_response(),
    }
}

/// A file of the program: the same for everybody, so it may be kept for a while.
pub(super) fn asset(text: &'static str, kind: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], text).into_response()
}

fn shown(part: Part) -> Shown {
    match part {
        Part::Text(text) => Shown::Text(text),
        Part::Facts(facts) => Shown::Facts(facts),
        Part::Value { label, value } => Shown::Value(label, value),
        Part::Code { label, text } => Shown::Code(label, text),
        Part::Pair { left, right, code } => Shown::Pair([left, right], code),
        Part::Table { caption, head, rows } => Shown::Table(caption, head, rows),
    }
}

/// Markdown as HTML. HTML in it is shown as it is written, images and other schemes than links have no place: a page loads
/// nothing from elsewhere. Headings go one level down, since the page has its own.
pub(super) fn markdown(text: &str) -> String {
    let escaped = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|mark| match mark {
        Mark::Html(html) | Mark::InlineHtml(html) => Some(Mark::Text(html)),
        Mark::Start(Tag::Image { .. }) | Mark::End(TagEnd::Image) => None,
        Mark::Start(Tag::HtmlBlock) | Mark::End(TagEnd::HtmlBlock) => None,
        Mark::Start(Tag::Heading { level, id, classes, attrs }) => {
            Some(Mark::Start(Tag::Heading { level: lower(level), id, classes, attrs }))
        }
        Mark::End(TagEnd::Heading(level)) => Some(Mark::End(TagEnd::Heading(lower(level)))),
        Mark::Start(Tag::Link { dest_url, .. }) if !harmless(&dest_url) => Some(Mark::Start(Tag::Emphasis)),
        other => Some(other),
    });
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, escaped);
    html
}

fn lower(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::{H2, H3, H4};
    match level as usize {
        1 => H2,
        2 => H3,
        _ => H4,
    }
}

fn harmless(url: &str) -> bool {
    ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| url.starts_with(scheme))
}

fn field(field: Field, own: &'static screen::Words, refused: &Refused) -> FieldPage {
    let sent: Vec<&str> =
        refused.sent.iter().filter(|(id, _)| *id == field.id).map(|(_, text)| text.as_str()).collect();
    let chosen = |code: &str| sent.iter().any(|text| text.split(',').any(|part| part == code));
    let option = |code: String, words: String| OptionPage { chosen: chosen(&code), code, words };
    let message = refused.wrong.iter().find(|(id, _)| *id == field.id).map(|(_, message)| message.clone());
    let typed = |range: &screen::Range| {
        if range.step().contains('.') {
            "decimal"
        } else if range.least >= 0 {
            "numeric"
        } else {
            "text"
        }
    };
    let ends = |range: &screen::Range| (range.write(range.least), range.write(range.most), range.step());
    let kind = match field.kind {
        FieldKind::Number(range) => Kind::Typed { inputmode: typed(&range), range: None, unit: range.unit },
        FieldKind::Slider(range) => {
            Kind::Typed { inputmode: typed(&range), range: Some(ends(&range)), unit: range.unit }
        }
        FieldKind::Likert { mut low, mut high, points, words, reversed } => {
            let mut options: Vec<OptionPage> = (1..=points)
                .map(|point| {
                    let own = words.get(point as usize - 1).filter(|w| !w.is_empty());
                    option(point.to_string(), own.cloned().unwrap_or_else(|| point.to_string()))
                })
                .collect();
            if reversed {
                options.reverse();
                std::mem::swap(&mut low, &mut high);
            }
            Kind::Points { low, high, options }
        }
        FieldKind::Choice { options, many } => Kind::Options {
            many,
            options: options.into_iter().map(|(code, words)| option(code, words)).collect(),
        },
        FieldKind::Text { most, lines } => Kind::Free { most, lines },
    };
    let mut described = Vec::new();
    if field.help.is_some() {
        described.push(format!("h-{}", field.id));
    }
    if message.is_some() {
        described.push(format!("m-{}", field.id));
    }
    if matches!(&kind, Kind::Typed { unit, .. } if !unit.is_empty()) {
        described.push(format!("u-{}", field.id));
    }
    let value = sent.first().copied().unwrap_or_default().to_owned();
    FieldPage {
        mark: if field.required { "" } else { own.optional },
        required: field.required,
        message,
        described: described.join(" "),
        value,
        kind,
        id: field.id,
        label: field.label,
        help: field.help,
    }
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn texts_of_a_study_bring_no_markup_of_their_own() {
        let html = markdown(
            "# One\n\n*two* <script>alert(1)</script> [x](javascript:alert(1)) ![i](https://e.org/i.png)\n\n<div onclick=x>\n",
        );
        assert!(html.starts_with("<h2>One</h2>"), "{html}");
        assert!(html.contains("<em>two</em>") && html.contains("&lt;script&gt;"), "{html}");
        assert!(
            !html.contains("<script") && !html.contains("javascript:") && !html.contains("<img"),
            "{html}"
        );
        assert!(!html.contains("<div"), "{html}");
    }
}
