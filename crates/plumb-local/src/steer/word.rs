//! Steering as one word of the command line.

use super::along::{Mode, Unit};
use super::latents::{How, LatentUnit};
use super::span::{Span, Tokens};
use super::{Along, ControlVector, Latents, Saes, Steer};
use plumb_study::{Error, Result};

/// What a word says, before files are read.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Word {
    /// A control vector's file.
    Along(String, Mode, f64, Unit, Span),
    /// Latents of an autoencoder.
    Latents(String, Vec<usize>, How, f64, LatentUnit, Span),
}

/// `FILE`, `FILE=STRENGTH`, `FILE=SHAREnorm`, `FILE=ablate`, or `SAE:LATENT=VALUE`, `SAE:LATENT=2p99`, `SAE:LATENT=0.5norm`,
/// `SAE:LATENT=x0.5`, `SAE:LATENT=+3`, `SAE:LATENT=ablate`, of several latents with commas between; then perhaps `@POSITIONS`.
///
/// # Errors
/// A text of another form.
pub(super) fn parts(text: &str) -> Result<Word> {
    let wrong = || {
        Error::plan(format!("\"{text}\" does not say how to steer"))
            .help("write FILE.gguf=1.5, FILE.gguf=0.2norm for a share of the residual stream's median norm, or FILE.gguf=ablate; of an autoencoder SAE:LATENT=12, =2p99, =0.5norm, =x0.5, =+3 or =ablate; then perhaps @prompt, @generated, @last or a mask such as @user+answer")
    };
    let (rest, span) = match text.rsplit_once('@') {
        None => (text, Span::All),
        Some((rest, name)) => {
            let tokens = Tokens { span: Span::parse(name)?, first: false, sinks: false };
            (rest, tokens.checked()?.span)
        }
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(wrong);
    let (name, how) = rest.rsplit_once('=').unwrap_or((rest, ""));
    if let Some((sae, latents)) = of_latents(name) {
        if how == "ablate" {
            return Ok(Word::Latents(sae, latents, How::Ablate, 0.0, LatentUnit::Raw, span));
        }
        if let Some(by) = how.strip_prefix('x') {
            return Ok(Word::Latents(sae, latents, How::Scale, number(by)?, LatentUnit::Raw, span));
        }
        let (action, rest) = how.strip_prefix('+').map_or((How::Clamp, how), |rest| (How::Add, rest));
        let found = [("p99", LatentUnit::P99), ("norm", LatentUnit::Norm)]
            .into_iter()
            .find_map(|(name, unit)| rest.strip_suffix(name).map(|value| (value, unit)));
        let (value, unit) = found.unwrap_or((rest, LatentUnit::Raw));
        return Ok(Word::Latents(sae, latents, action, number(value)?, unit, span));
    }
    let how = if rest.contains('=') { how } else { "1" };
    let (mode, value, unit) = match how.strip_suffix("norm") {
        _ if how == "ablate" => (Mode::Ablate, "0", Unit::Raw),
        Some(value) => (Mode::Add, value, Unit::Norm),
        None => (Mode::Add, how, Unit::Raw),
    };
    if name.is_empty() {
        return Err(wrong());
    }
    Ok(Word::Along(name.to_owned(), mode, number(value)?, unit, span))
}

/// `sae-qwen:7` or `sae-qwen:7,9`.
fn of_latents(name: &str) -> Option<(String, Vec<usize>)> {
    let (sae, latents) = name.rsplit_once(':')?;
    let latents =
        latents.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<usize>>>()?;
    (!sae.is_empty()).then(|| (sae.to_owned(), latents))
}

impl Steer {
    /// What one word of the command line says, such as `refusal.gguf=1.5@generated` or `sae-qwen:7=12`; `read` gives a file's
    /// bytes.
    ///
    /// # Errors
    /// A word of another form, a file or autoencoder that is not there, or as [`Along::new`] and [`Latents::new`].
    pub fn parse(text: &str, read: impl Fn(&str) -> Result<Vec<u8>>, saes: &dyn Saes) -> Result<Steer> {
        match parts(text)? {
            Word::Along(file, mode, strength, unit, span) => {
                let vector = ControlVector::read(&read(&file)?, &file)?;
                let name = super::last(&file);
                Ok(Steer::Along(Along::new(name, &vector, (mode, strength, unit), span)?))
            }
            Word::Latents(sae, latents, how, value, unit, span) => {
                let made = Latents::new(&sae, &saes.find(&sae)?, &latents, (how, value, unit))?;
                Ok(Steer::Latents(Latents { positions: span, ..made }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_command_line() {
        let read = |text: &str| parts(text).ok();
        let along = |file: &str, mode, strength, unit, span| {
            Some(Word::Along(file.into(), mode, strength, unit, span))
        };
        assert_eq!(read("a.gguf"), along("a.gguf", Mode::Add, 1.0, Unit::Raw, Span::All));
        assert_eq!(read("d/a.gguf=-1.5@last"), along("d/a.gguf", Mode::Add, -1.5, Unit::Raw, Span::Last));
        assert_eq!(read("a=0.2norm"), along("a", Mode::Add, 0.2, Unit::Norm, Span::All));
        assert_eq!(read("a=ablate"), along("a", Mode::Ablate, 0.0, Unit::Raw, Span::All));
        let latents = |latents: &[usize], how, value, unit, span| {
            Some(Word::Latents("d/sae".into(), latents.to_vec(), how, value, unit, span))
        };
        assert_eq!(read("d/sae:7=12"), latents(&[7], How::Clamp, 12.0, LatentUnit::Raw, Span::All));
        assert_eq!(
            read("d/sae:7,9=2p99@last"),
            latents(&[7, 9], How::Clamp, 2.0, LatentUnit::P99, Span::Last)
        );
        assert_eq!(read("d/sae:7=-0.5norm"), latents(&[7], How::Clamp, -0.5, LatentUnit::Norm, Span::All));
        assert_eq!(read("d/sae:7=x0.5"), latents(&[7], How::Scale, 0.5, LatentUnit::Raw, Span::All));
        assert_eq!(read("d/sae:7=+3"), latents(&[7], How::Add, 3.0, LatentUnit::Raw, Span::All));
        assert_eq!(read("d/sae:7=ablate"), latents(&[7], How::Ablate, 0.0, LatentUnit::Raw, Span::All));
        for wrong in ["", "=2", "a=much", "a=1@sometimes", "s:7", "s:7=", "s:7=xx", "s:7=inf"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }
}
