//! A model's chat template, compiled once.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, Value, context};

use super::{Date, Fault, Message, json};

const NAME: &str = "chat";
/// Steps that a template may take, plenty for thousands of messages: one that loops for ever is an error.
const FUEL: u64 = 50_000_000;

#[derive(Debug)]
pub(crate) struct Template {
    environment: Environment<'static>,
}

impl Template {
    /// `texts` are those of special tokens, such as `bos_token`, that templates may name.
    pub(crate) fn new(source: &str, texts: Vec<(String, String)>) -> Result<Self, Fault> {
        let mut environment = Environment::new();
        // As `transformers` sets Jinja up for chat templates.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| Fault::Syntax(reason(&error)))?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        // An absent one is undefined, as it is there. The last of a name counts.
        for (name, text) in texts {
            environment.add_global(name, text);
        }
        environment.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_filter("tojson", json::filter);
        environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
        environment
            .add_template_owned(NAME, without_generation(source))
            .map_err(|error| Fault::Syntax(reason(&error)))?;
        Ok(Self { environment })
    }

    /// Renders a chat. Templates of models that also see images read a message's content as a list of parts, and write
    /// nothing of a content that is text; such a template gets parts.
    pub(super) fn render(&self, messages: &[Message], date: Option<Date>) -> Result<String, Fault> {
        let text = self.render_as(messages, date, |text| Value::from(text));
        let last = messages.last().map_or("", |m| m.content.trim());
        match &text {
            Ok(text) if !text.contains(last) => {}
            _ => return text,
        }
        let part = |text: &str| Value::from(vec![context! { type => "text", text => text }]);
        match self.render_as(messages, date, part) {
            Ok(parts) if parts.contains(last) => Ok(parts),
            _ => text,
        }
    }

    fn render_as(
        &self,
        messages: &[Message],
        date: Option<Date>,
        content: impl Fn(&str) -> Value,
    ) -> Result<String, Fault> {
        // Undefined without a date, so that a template that has one of its own writes that.
        let dated = match date {
            None => context! {},
            Some(date) => {
                context! { strftime_now => Value::from_function(move |format: String| date.format(&format)) }
            }
        };
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.name(), content => content(&message.content) })
            .collect();
        // As `transformers` gives them where there are none: there, but none.
        let (tools, documents) = (Value::from(()), Value::from(()));
        let context = context! {
            messages, tools, documents, add_generation_prompt => true, ..dated
        };
        let render = || self.environment.get_template(NAME)?.render(context);
        render().map_err(|error| match date {
            None if reason(&error).contains("strftime_now") => Fault::Dated,
            _ => Fault::Rejected(reason(&error)),
        })
    }
}

/// The template without the marks that `transformers` lets it put around what the model says (`{% generation %}`), which write
/// nothing.
fn without_generation(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(begin) = rest.find("{%") {
        let Some(length) = rest[begin..].find("%}") else { break };
        let inside = begin + 2..begin + length;
        let word = rest[inside.clone()].trim_matches(|c: char| c.is_whitespace() || "+-".contains(c));
        let instead = match word {
            "generation" => "if true",
            "endgeneration" => "endif",
            _ => word,
        };
        if instead == word {
            out += &rest[..inside.end];
        } else {
            out += &rest[..inside.start];
            out += &rest[inside.clone()].replacen(word, instead, 1);
        }
        rest = &rest[inside.end..];
    }
    out + rest
}

/// The message and the line of the template.
fn reason(error: &minijinja::Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("{detail} (line {line} of the template)"),
        None => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Role;

    fn render(source: &str, date: Option<Date>) -> Result<String, Fault> {
        let messages = [Message::new(Role::User, " hi ")];
        let texts =
            [("bos_token", "<s>"), ("eos_token", "</s>")].map(|(name, text)| (name.into(), text.into()));
        Template::new(source, texts.into())?.render(&messages, date)
    }

    /// As in the templates of Llama Guard 3 (1B) and 4: a text would be passed over in silence.
    #[test]
    fn a_template_that_reads_parts_gets_parts() {
        let parts = "{% for m in messages %}{{ m.role }}:{% for c in m.content | selectattr('type', 'equalto', 'text') %} \
                     {{ c.text | trim }}{% endfor %};{% endfor %}";
        assert_eq!(render(parts, None).unwrap(), "user: hi;");
        let plain = "{% for m in messages %}{{ m.role }}: {{ m.content | trim }};{% endfor %}";
        assert_eq!(render(plain, None).unwrap(), "user: hi;");
        assert_eq!(
            render("{{ messages | length }}", None).unwrap(),
            "1",
            "one that writes nothing stays as it is"
        );
    }

    #[test]
    fn python_methods_blocks_and_tokens() {
        let source = "{% for m in messages %}\n  {% if m.role.upper() == 'USER' %}\n{{ bos_token + m['content'].strip() }}\n  {% endif %}\n{% endfor %}";
        assert_eq!(render(source, None).unwrap(), "<s>hi\n");
    }

    /// What `transformers` 5.24.0 renders of the same templates.
    #[test]
    fn what_is_there_although_nobody_gives_it() {
        let same =
            |source: &str, expected: &str| assert_eq!(render(source, None).unwrap(), expected, "{source}");
        same("{{ tools is defined }} {{ tools is none }} {{ documents is defined }}", "True True True");
        same("{{ tools is iterable }} {{ nobody is iterable }} {{ 'a' is iterable }}", "False True True");
        same("{% if tools is not none %}tools{% endif %}{% if tools %}x{% endif %}.", ".");
        same(
            "{% for m in messages %}{%- generation -%} {{ m.content }} {%- endgeneration %}\n{% endfor %}",
            " hi ",
        );
        same("{% if true %}{% generation %}a{% endgeneration %}{% else %}{% endif %}{{ '{%' }}", "a{%");
    }

    #[test]
    fn faults_and_dates() {
        let rejected = render("{{ raise_exception('roles must alternate') }}", None).unwrap_err();
        assert!(rejected.to_string().contains("roles must alternate"), "{rejected}");
        assert!(matches!(render("{% for %}", None), Err(Fault::Syntax(_))));
        let asks = "{{ strftime_now('%d %b %Y') }}";
        assert!(matches!(render(asks, None), Err(Fault::Dated)));
        // As in the templates of Llama 3.2, which then have a date of their own.
        let has =
            "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% else %}26 Jul 2024{% endif %}";
        assert_eq!(render(has, None).unwrap(), "26 Jul 2024");
        assert_eq!(render(asks, Some(Date { year: 2026, month: 7, day: 4 })).unwrap(), "04 Jul 2026");
        let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
        assert!(render(endless, None).is_err());
    }
}
