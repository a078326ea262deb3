//! `plumb models chat`: a conversation with a local model, to see what it is like. Nothing is recorded.

use crate::cli::Chat;
use crate::compose::World;
use crate::exit::{Exit, Problem, note, say};
use plumb_lm::{Control, Generator, Job, Limits, Message, Model, Outcome, Prompt, Request, Role, Sampling};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

pub fn run(args: &Chat, world: &World) -> Result<Exit, Problem> {
    let path = world.models.file(&args.name)?;
    let model = Model::open(&path)?;
    if !model.can_chat() {
        return Err(Problem::usage(format!("{} has no chat template", path.display()))
            .help("a base model can only continue text; plans ask it with completion prompts"));
    }
    let generator = Generator::new(model.into(), Limits::default());
    let mut said: Vec<Message> = args.system.iter().map(|s| Message::new(Role::System, s)).collect();
    if let Some(prompt) = args.question.as_ref().or(args.prompt.as_ref()) {
        said.push(Message::new(Role::User, prompt));
        say(answer(&generator, &said, args)?);
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
        let text = answer(&generator, &said, args)?;
        say(&text);
        said.push(Message::new(Role::Assistant, text));
    }
}

fn answer(generator: &Generator, said: &[Message], args: &Chat) -> Result<String, Problem> {
    let sampling = Sampling {
        temperature: args.temperature,
        max_tokens: args.max_tokens as usize,
        ..Sampling::default()
    };
    let request = Request::new(Prompt::chat(said.to_vec()), sampling, args.seed);
    let never = AtomicBool::new(false);
    let control = Control { cancel: &never, now: &Instant::now };
    match generator.run(vec![Job::Complete(request)], control).pop() {
        Some(Ok(Outcome::Completion(completion))) => Ok(completion.text),
        Some(Err(error)) => Err(error.into()),
        _ => Err(Problem::new("the model gave no text")),
    }
}
