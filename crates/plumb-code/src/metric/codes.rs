//! Texts as letters below 128, such that two letters are the same where they were.
//!
//! What is asked of two texts is only which of their letters are equal. A text of ASCII is what it is. Others become so by giving the
//! reference's other letters codes that it does not use, and one more to all letters that it does not have.

/// The reference and the candidates by such codes; nothing where the reference has too many different letters.
pub(super) fn coded(reference: &str, candidates: &[&str]) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut used = [false; 128];
    let mut others: Vec<char> = Vec::new();
    for letter in reference.chars() {
        match used.get_mut(letter as usize) {
            Some(used) => *used = true,
            None if !others.contains(&letter) => others.push(letter),
            None => {}
        }
        if others.len() >= used.len() {
            return None;
        }
    }
    let mut free = (0..128).filter(|code| !used[usize::from(*code)]);
    let of_others: Vec<u8> = free.by_ref().take(others.len()).collect();
    let stranger = free.next().filter(|_| of_others.len() == others.len())?;
    let code = |letter: char| match used.get(letter as usize) {
        Some(true) => letter as u8,
        Some(false) => stranger,
        None => others.iter().position(|other| *other == letter).map_or(stranger, |at| of_others[at]),
    };
    let text = |text: &str| text.chars().map(code).collect();
    Some((text(reference), candidates.iter().copied().map(text).collect()))
}
