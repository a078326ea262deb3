//! `plumb models chat`: a conversation with a local model, to see what it is like. Nothing is recorded.

use crate::cli::Chat;
use crate::compose::World;
use crate::exit::{Exit, Problem, note, say};
use crate::strangers::measured;
use plumb_lm::{
    Control, Edits, Generator, Job, Labelled, Limits, Message, Model, Outcome, Prompt, Request, Role,
    Sampling, Special,
};
use plumb_local::Models as _;
use plumb_local::steer::{Saes as _, Steer, Steering, Touched};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

pub fn run(args: &Chat, world: &World) -> Result<Exit, Problem> {
    let path = world.models.file(&args.name)?;
    let model = Model::open(&path)?;
    if !model.can_chat() {
        return Err(Problem::usage(format!("{} has no chat template", path.display()))
            .help("a base model can only continue text; plans ask it with completion prompts"));
    }
    let model = Arc::new(model);
    let read = |file: &str| {
        std::fs::read(file).map_err(|error| plumb_study::Error::plan(format!("{file}: {error}")))
    };
    let mut steers = Vec::new();
    for word in &args.steer {
        let steer = Steer::parse(word, read, &*world.saes)?;
        steers.push(steer.fit(&model, &*world.saes)?);
        if let Steer::Latents(latents) = &steer {
            note(format_args!("steering: {}", latents.words()));
            told(&latents.sae, &args.name, &model, world)?;
        }
    }
    let generator = Generator::new(model.clone(), Limits::default());
    let speaker = Speaker { generator, model, steers, args };
    let mut said: Vec<Message> = args.system.iter().map(|s| Message::new(Role::System, s)).collect();
    if let Some(prompt) = args.question.as_ref().or(args.prompt.as_ref()) {
        said.push(Message::new(Role::User, prompt));
        say(speaker.answer(&said)?);
        return Ok(Exit::Done);
    }
    let terminal = std::io::stdin().is_terminal();
    if terminal {
        note("an empty line ends the conversation");
    }
    loop {
        if terminal {
            let mut out = std::io::stdout();
            let _prompt_is_decoration = write!(out, "> ").and_then(|()| out.flush());
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        if read.map_err(|e| Problem::new(format!("the terminal cannot be read: {e}")))? == 0
            || line.trim().is_empty()
        {
            return Ok(Exit::Done);
        }
        said.push(Message::new(Role::User, line.trim()));
        let text = speaker.answer(&said)?;
        say(&text);
        said.push(Message::new(Role::Assistant, text));
    }
}

/// Says so where an autoencoder was not trained on this model.
fn told(sae: &str, name: &str, model: &Model, world: &World) -> Result<(), Problem> {
    let digest = world.models.identify(name)?.sha256;
    let found = world.saes.find(sae)?.sae;
    if let Some(told) = measured(&found, model, (name, &digest), (&[], ""))? {
        note(format_args!("warning: the autoencoder {sae}: {told}"));
    }
    Ok(())
}

/// Who answers.
struct Speaker<'a> {
    generator: Generator,
    model: Arc<Model>,
    steers: Vec<Steering>,
    args: &'a Chat,
}

impl Speaker<'_> {
    fn answer(&self, said: &[Message]) -> Result<String, Problem> {
        let sampling = Sampling {
            temperature: self.args.temperature,
            max_tokens: self.args.max_tokens as usize,
            ..Sampling::default()
        };
        let prompt = self.model.label_chat(said, None)?;
        if self.args.mask {
            self.show_mask(&prompt)?;
        }
        let mut edits = Vec::new();
        for steer in &self.steers {
            edits.extend_from_slice(steer.edits(&prompt.classes).as_slice());
        }
        let request = Request::new(Prompt::Tokens(prompt.tokens), sampling, self.args.seed);
        let request = Request { edits: Arc::new(Edits::new(edits)), ..request };
        let never = AtomicBool::new(false);
        let control = Control { cancel: &never, now: &Instant::now };
        match self.generator.run(vec![Job::Complete(request)], control).pop() {
            Some(Ok(Outcome::Completion(completion))) => Ok(completion.text),
            Some(Err(error)) => Err(error.into()),
            _ => Err(Problem::new("the model gave no text")),
        }
    }

    /// A line a token: its place, whether it is changed, what it is a part of, its text.
    fn show_mask(&self, prompt: &Labelled) -> Result<(), Problem> {
        let masks = self.steers.iter().map(|steer| steer.mask(&self.model, prompt));
        let masks = masks.collect::<Result<Vec<_>, _>>()?;
        for (position, (token, class)) in prompt.tokens.iter().zip(&prompt.classes).enumerate() {
            let any = |touched| masks.iter().any(|mask| mask[position] == touched);
            let word = match (any(Touched::Yes), any(Touched::Sink)) {
                (true, _) => "steered",
                (false, true) => " sink  ",
                (false, false) => "   -   ",
            };
            let text = self.model.tokenizer().decode(&[*token], Special::Token);
            note(format_args!("{position:>5} {word} {:<9} {text:?}", class.name()));
        }
        Ok(())
    }
}
