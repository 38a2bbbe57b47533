//! Rust source, line by line, as code, strings and comments: just enough of a lexer that a rule about code is not
//! misled by what a comment or a string says.

/// One line of source.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The code, with empty strings in place of string literals, and without comments.
    pub(super) code: String,
    /// The text of comments.
    pub(super) comment: String,
    /// The string literals that begin here, unescaped no further than the source has them.
    pub(super) strings: Vec<String>,
    /// Whether this is inside an item under `#[cfg(test)]`.
    pub(super) is_test: bool,
}

/// The lines of `text`.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, lines: vec![Line::default()] };
    lexer.run();
    let mut lines = lexer.lines;
    mark_tests(&mut lines);
    lines
}

/// The identifiers of a line of code, each with the code before and after it.
pub(super) fn words(code: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + code[from..].find(is_word)?;
        let end = code[start..].find(|c| !is_word(c)).map_or(code.len(), |len| start + len);
        from = end;
        Some((&code[start..end], &code[..start], &code[end..]))
    })
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    lines: Vec<Line>,
}

impl Lexer {
    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('/')) => self.line_comment(),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(None),
                ('r', _) if self.raw_hashes().is_some() => {
                    let hashes = self.raw_hashes().unwrap_or(0);
                    self.at += 1 + hashes;
                    self.string(Some(hashes));
                }
                ('\'', _) => self.quote(),
                _ => {
                    self.code(c);
                    self.at += 1;
                }
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn line(&mut self) -> &mut Line {
        self.lines.last_mut().expect("there is a first line from the start")
    }

    fn code(&mut self, c: char) {
        if c == '\n' {
            self.lines.push(Line::default());
        } else {
            self.line().code.push(c);
        }
    }

    fn line_comment(&mut self) {
        while let Some(c) = self.peek(0).filter(|c| *c != '\n') {
            self.line().comment.push(c);
            self.at += 1;
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth -= 1,
                ('\n', _) => self.lines.push(Line::default()),
                _ => self.line().comment.push(c),
            }
            self.at += if matches!((c, self.peek(1)), ('/', Some('*')) | ('*', Some('/'))) { 2 } else { 1 };
            if depth == 0 {
                break;
            }
        }
    }

    /// The number of hashes of the raw string that begins here, if one does.
    fn raw_hashes(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).map(|at| self.chars[at]);
        let inside_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_') && !matches!(before, Some('b' | 'c'));
        let hashes = self.chars[self.at + 1..].iter().take_while(|c| **c == '#').count();
        (!inside_word && self.peek(1 + hashes) == Some('"')).then_some(hashes)
    }

    /// A string from its opening quote; `raw`: the number of hashes that end it.
    fn string(&mut self, raw: Option<usize>) {
        self.at += 1;
        self.line().code.push_str("\"\"");
        let (first, mut text) = (self.lines.len() - 1, String::new());
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match (c, raw) {
                ('\\', None) => {
                    text.push(c);
                    if let Some(escaped) = self.peek(0) {
                        self.at += 1;
                        text.push(escaped);
                        if escaped == '\n' {
                            self.lines.push(Line::default());
                        }
                    }
                }
                ('"', None) => break,
                ('"', Some(hashes)) if (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) => {
                    self.at += hashes;
                    break;
                }
                _ => {
                    text.push(c);
                    if c == '\n' {
                        self.lines.push(Line::default());
                    }
                }
            }
        }
        self.lines[first].strings.push(text);
    }

    /// A character literal, which is dropped, or the quote of a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == Some('\\') {
            self.at += 3;
            while self.peek(0).is_some_and(|c| c != '\'' && c != '\n') {
                self.at += 1;
            }
            self.at += 1;
        } else if self.peek(2) == Some('\'') {
            self.at += 3;
        } else {
            self.code('\'');
            self.at += 1;
        }
    }
}

/// Marks the items that `#[cfg(test)]` or `#[cfg(all(test, …))]` stands above.
fn mark_tests(lines: &mut [Line]) {
    let mut depth = None::<usize>;
    for line in lines {
        if depth.is_none() && (line.code.contains("#[cfg(test)]") || line.code.contains("#[cfg(all(test")) {
            depth = Some(0);
            line.is_test = true;
            if !line.code.contains('{') && !line.code.contains(';') {
                continue;
            }
        }
        let Some(mut open) = depth else { continue };
        line.is_test = true;
        let mut ended = false;
        for c in line.code.chars() {
            match c {
                '{' => open += 1,
                '}' => {
                    open = open.saturating_sub(1);
                    ended |= open == 0;
                }
                ';' => ended |= open == 0,
                _ => {}
            }
        }
        depth = (!ended).then_some(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<String> {
        lines(text).into_iter().map(|line| line.code.trim().to_owned()).collect()
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(code("a // b\nc /* d /* e */ f\n g */ h"), ["a", "c", "h"]);
        assert_eq!(code(r#"x("a \" // b"); y"#), [r#"x(""); y"#]);
        assert_eq!(code("r#\"a \" b\"# c\nbr\"d\" e r#fn"), ["\"\" c", "b\"\" e r#fn"]);
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_begin_no_string() {
        assert_eq!(code("'\"' a '\\'' b &'static str '\\u{1b}' c"), ["a  b &'static str  c"]);
    }

    #[test]
    fn a_string_belongs_to_the_line_where_it_begins() {
        let lines = lines("a(\n  \"SELECT\n 1\",\n  b)");
        assert_eq!((lines[1].strings.as_slice(), lines.len()), (["SELECT\n 1".to_owned()].as_slice(), 4));
        assert_eq!(lines[3].code.trim(), "b)");
    }

    #[test]
    fn items_under_cfg_test_are_known() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nuse x;\nfn d() {}";
        let marked: Vec<bool> = lines(text).iter().map(|line| line.is_test).collect();
        assert_eq!(marked, [false, true, true, true, true, false, true, true, false]);
    }

    #[test]
    fn words_come_with_what_surrounds_them() {
        let found: Vec<_> = words("use a::b_c;").collect();
        assert_eq!(found[2], ("b_c", "use a::", ";"));
    }
}
