//! Where in a text something stands: line and column of what a reader of a part of it complains about.

/// A place in a text: how many lines are before its line, and where that starts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    at: usize,
    lines: usize,
    start: usize,
}

/// Most characters of what was found, and of what was expected.
const MOST: usize = 200;

/// Where `part` begins in `text`.
pub(super) fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// Line and column in `text`, and what is wrong there, where reading `part` of it gave `error`. Starts
/// to count at `mark`, so that many problems of one text are looked for in it once.
pub(super) fn located(
    text: &str,
    part: &str,
    error: &serde_json::Error,
    mark: &mut Mark,
) -> (usize, usize, String) {
    let start = offset(text, part);
    if start < mark.at {
        *mark = Mark::default();
    }
    let between = text.as_bytes().get(mark.at..start).unwrap_or_default();
    if let Some(last) = between.iter().rposition(|&b| b == b'\n') {
        mark.lines += between.iter().filter(|&&b| b == b'\n').count();
        mark.start = mark.at + last + 1;
    }
    mark.at = start;
    let line = mark.lines + error.line().max(1);
    let indent = match error.line() {
        0 | 1 => start - mark.start,
        _ => 0,
    };
    let said = error.to_string();
    let end = said.rfind(" at line ").unwrap_or(said.len());
    (line, indent + error.column(), cut(&said[..end]))
}

/// `said` without the middle of a long value: a whole file may be one.
fn cut(said: &str) -> String {
    let shown = said.char_indices().nth(MOST).map(|(at, _)| at);
    let expected = said.rfind(", expected ").unwrap_or(said.len());
    match shown {
        Some(shown) if shown < expected => {
            let rest: String = said[expected..].chars().take(MOST).collect();
            format!("{}…{rest}", &said[..shown])
        }
        _ => said.to_owned(),
    }
}
