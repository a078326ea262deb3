//! Ending an answer at a stop text, which may be spread over several tokens.

/// Byte place of the earliest stop text in `text`, if any begins at or after `from`.
///
/// Of a text that grew, only what is new needs to be searched: give the old length less the longest stop text.
pub(super) fn find(text: &str, from: usize, stops: &[String]) -> Option<usize> {
    let mut from = from.min(text.len());
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    stops.iter().filter_map(|stop| text[from..].find(stop.as_str())).min().map(|at| from + at)
}

/// How much of `text` cannot become part of a stop text, whatever follows.
pub(super) fn settled(text: &str, stops: &[String]) -> usize {
    let open = |stop: &String| {
        let cuts = stop.char_indices().map(|(at, _)| at).skip(1);
        cuts.filter(|&cut| text.ends_with(&stop[..cut])).max().unwrap_or(0)
    };
    text.len() - stops.iter().map(open).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earliest_stop_and_open_ends() {
        let stops = ["\n\n".to_owned(), "END".to_owned(), "é!".to_owned()];
        assert_eq!(find("aEND\n\n", 0, &stops), Some(1));
        assert_eq!(find("aEND", 2, &stops), None);
        assert_eq!(find("éé!", 1, &stops), Some(2));
        assert_eq!(settled("some EN", &stops), 5);
        assert_eq!(settled("some\n", &stops), 4);
        assert_eq!(settled("é", &stops), 0);
        assert_eq!(settled("plain", &stops), 5);
    }
}
