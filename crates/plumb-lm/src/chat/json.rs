//! JSON as the templates of `transformers` write it: as Python's `json.dumps` does, with every character as it is.

use minijinja::value::Kwargs;
use minijinja::{Error, Value, filters};

/// `value | tojson`. The filter of `minijinja` writes for web pages, where four characters must not stand; here they do.
pub(super) fn filter(value: &Value, indent: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    // It says what is done anyway.
    let _: Option<Value> = named.get("ensure_ascii")?;
    let text = filters::tojson(value, indent, named)?.to_string();
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escaped = ["\\u003c", "\\u003e", "\\u0026", "\\u0027"]
            .iter()
            .position(|escape| rest[at..].starts_with(escape));
        let length = match escaped {
            Some(which) => {
                out.push(['<', '>', '&', '\''][which]);
                6
            }
            // With what it escapes, which may be another backslash.
            None => {
                out.push_str(&rest[at..at + 2]);
                2
            }
        };
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    Ok(Value::from_safe_string(out))
}

#[cfg(test)]
mod tests {
    use minijinja::{Environment, context};

    /// What Python 3.11's `json.dumps(value, ensure_ascii=False, indent=indent)` gives.
    #[test]
    fn as_python_writes_it() {
        let mut environment = Environment::new();
        environment.add_filter("tojson", super::filter);
        let render =
            |source| environment.render_str(source, context! { text => "a <b> & 'é\"\n\\u003c" }).unwrap();
        assert_eq!(render("{{ text | tojson }}"), r#""a <b> & 'é\"\n\\u003c""#);
        assert_eq!(render("{{ text | tojson(ensure_ascii=false) }}"), render("{{ text | tojson }}"));
        let nested = "{{ {'a': [1, 2.5, none, true], 'b': {}} | tojson }}";
        assert_eq!(render(nested), r#"{"a": [1, 2.5, null, true], "b": {}}"#);
        assert_eq!(
            render("{{ {'a': [1, {}]} | tojson(indent=2) }}"),
            "{\n  \"a\": [\n    1,\n    {}\n  ]\n}"
        );
    }
}
