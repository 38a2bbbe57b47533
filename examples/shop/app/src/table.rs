//! A table as text: columns as wide as their widest cell.

use std::fmt;

/// Rows of cells under headings.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    indent: usize,
    rows: Vec<Row<COLUMNS>>,
}

#[derive(Debug)]
enum Row<const COLUMNS: usize> {
    Cells([String; COLUMNS]),
    Note(String),
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with these headings, indented by `indent` spaces.
    pub(crate) fn new(indent: usize, headings: [&str; COLUMNS]) -> Self {
        Self { indent, rows: vec![Row::Cells(headings.map(str::to_owned))] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a line about the row above it, which takes part in no column.
    pub(crate) fn note(&mut self, text: String) {
        self.rows.push(Row::Note(text));
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            if let Row::Cells(cells) = row {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = (*width).max(cell.chars().count());
                }
            }
        }
        let indent = " ".repeat(self.indent);
        for (number, row) in self.rows.iter().enumerate() {
            let line = match row {
                Row::Cells(cells) => {
                    let padded: Vec<_> =
                        cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
                    padded.join("  ")
                }
                Row::Note(text) => format!("  {text}"),
            };
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{indent}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(1, ["id", "state"]);
        table.row(["1.12".to_owned(), "done".to_owned()]);
        table.note("a note, however long".to_owned());
        assert_eq!(table.to_string(), " id    state\n 1.12  done\n   a note, however long");
    }
}
