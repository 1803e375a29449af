//! Lines of text of a bounded width, with colour where somebody looks.

/// Where text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    /// Most characters of a line.
    pub width: usize,
    /// Whether colours are shown.
    pub colour: bool,
}

/// What a piece of text looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ink {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Bold,
    /// Less important.
    Dim,
    /// Free.
    Green,
    /// In part, or worth a look.
    Yellow,
    /// Broken.
    Red,
    /// Not known.
    Magenta,
}

impl Ink {
    /// The number of Select Graphic Rendition (ECMA-48).
    fn code(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Bold => Some(1),
            Self::Dim => Some(2),
            Self::Green => Some(32),
            Self::Yellow => Some(33),
            Self::Red => Some(31),
            Self::Magenta => Some(35),
        }
    }
}

/// One line, piece by piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(String, Ink)>);

impl Line {
    /// A line of one piece.
    #[must_use]
    pub fn of(text: impl Into<String>, ink: Ink) -> Self {
        Self(vec![(text.into(), ink)])
    }

    /// Adds a piece.
    pub fn push(&mut self, text: impl Into<String>, ink: Ink) {
        self.0.push((text.into(), ink));
    }

    /// Adds `text`, filled up with blanks on the right.
    pub fn left(&mut self, text: &str, width: usize, ink: Ink) {
        self.push(text, ink);
        let blanks = width.saturating_sub(text.chars().count());
        self.push(" ".repeat(blanks), Ink::Plain);
    }

    /// Adds `text`, filled up with blanks on the left.
    pub fn right(&mut self, text: &str, width: usize, ink: Ink) {
        let blanks = width.saturating_sub(text.chars().count());
        self.push(" ".repeat(blanks), Ink::Plain);
        self.push(text, ink);
    }
}

impl Paper {
    /// `lines`, cut where they are too long, without blanks at their ends.
    #[must_use]
    pub fn print(&self, lines: &[Line]) -> String {
        let mut text = String::new();
        for line in lines {
            self.line(line, &mut text);
            text.push('\n');
        }
        text
    }

    fn line(&self, line: &Line, out: &mut String) {
        let characters = line
            .0
            .iter()
            .flat_map(|(text, ink)| text.chars().map(|c| (c, *ink)));
        let mut characters: Vec<_> = characters.collect();
        while characters.last().is_some_and(|(c, _)| *c == ' ') {
            characters.pop();
        }
        if characters.len() > self.width {
            characters.truncate(self.width.saturating_sub(1));
            characters.push(('…', Ink::Plain));
        }
        for piece in characters.chunk_by(|a, b| a.1 == b.1) {
            let code = piece[0].1.code().filter(|_| self.colour);
            if let Some(code) = code {
                out.push_str(&format!("\u{1b}[{code}m"));
            }
            out.extend(piece.iter().map(|(c, _)| *c));
            if code.is_some() {
                out.push_str("\u{1b}[0m");
            }
        }
    }

    /// `text` on as many lines as it needs, broken at blanks; all but the first begin with `indent`
    /// blanks.
    #[must_use]
    pub fn wrap(&self, text: &str, indent: usize) -> Vec<Line> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ') {
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + word.chars().count() <= self.width => {
                    line.push(' ');
                    line.push_str(word);
                }
                None => lines.push(word.to_owned()),
                Some(_) => lines.push(format!("{}{word}", " ".repeat(indent))),
            }
        }
        lines
            .into_iter()
            .map(|line| Line::of(line, Ink::Plain))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(width: usize, colour: bool) -> Paper {
        Paper { width, colour }
    }

    #[test]
    fn a_line_is_cut_at_the_width_and_says_so() {
        let line = Line::of("abcdef", Ink::Plain);
        assert_eq!(
            paper(6, false).print(std::slice::from_ref(&line)),
            "abcdef\n"
        );
        assert_eq!(paper(5, false).print(&[line]), "abcd…\n");
    }

    #[test]
    fn colour_is_not_counted_and_only_shown_where_asked_for() {
        let mut line = Line::of("ok ", Ink::Green);
        line.right("x", 3, Ink::Plain);
        let lines = [line];
        assert_eq!(paper(80, false).print(&lines), "ok   x\n");
        assert_eq!(paper(80, true).print(&lines), "\u{1b}[32mok \u{1b}[0m  x\n");
    }

    #[test]
    fn blanks_at_the_end_are_left_out() {
        let mut line = Line::default();
        line.left("a", 10, Ink::Plain);
        assert_eq!(paper(80, false).print(&[line]), "a\n");
    }

    #[test]
    fn long_text_is_broken_at_blanks() {
        let lines = paper(10, false).wrap("one two three four", 2);
        assert_eq!(paper(10, false).print(&lines), "one two\n  three\n  four\n");
    }
}
