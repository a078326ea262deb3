//! How results and quantities look on this terminal.

use plumb_study::Spent;
use std::io::IsTerminal as _;

/// Width and colour of standard output; `NO_COLOR` is honoured.
pub fn style() -> plumb_report::Style {
    let terminal = std::io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let width = if terminal { console_width() } else { 100 };
    plumb_report::Style { width, colour }
}

fn console_width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).clamp(60, 160)
}

/// Requests, tokens, time and money in one line.
pub fn spent(spent: &Spent) -> String {
    let mut parts = vec![format!("{} requests", spent.requests)];
    if let (Some(tokens_in), Some(tokens_out)) = (spent.tokens_in, spent.tokens_out) {
        parts.push(format!("{tokens_in} tokens in, {tokens_out} out"));
    }
    parts.push(format!("{:.1} s of exchanges, summed", spent.elapsed_us as f64 / 1e6));
    if let Some(cost) = spent.cost_nano {
        parts.push(format!("cost {}", money(cost)));
    }
    parts.join(" · ")
}

/// Nano-units as an amount.
pub fn money(nano: u64) -> String {
    format!("${:.4}", nano as f64 / 1e9)
}

/// A number of bytes.
pub fn bytes(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}
