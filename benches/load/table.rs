//! What was measured, as a person reads it: the median of the rounds, and between which values they lay.

/// The measured values of one thing, by name, in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<Vec<f64>>)>,
}

impl Table {
    /// Notes one round of `row`.
    pub(crate) fn note(&mut self, name: &str, values: &[(&str, f64)]) {
        for (column, value) in values {
            let at = position(&mut self.columns, column);
            let known = self.rows.iter().position(|(row, _)| row == name);
            let row = known.unwrap_or(self.rows.len());
            if known.is_none() {
                self.rows.push((name.to_owned(), Vec::new()));
            }
            let cells = &mut self.rows[row].1;
            cells.resize_with(cells.len().max(at + 1), Vec::new);
            cells[at].push(*value);
        }
    }

    /// As a table of Markdown.
    pub(crate) fn told(&self) -> String {
        let lines = self.rows.iter().map(|(name, cells)| {
            let of = |column| cells.get(column).map_or("-".to_owned(), |values: &Vec<f64>| spread(values));
            let cells: Vec<_> = (0..self.columns.len()).map(of).collect();
            format!("| {name} | {} |\n", cells.join(" | "))
        });
        let rule = "|---".repeat(self.columns.len() + 1);
        format!("\n| | {} |\n{rule}|\n{}", self.columns.join(" | "), lines.collect::<String>())
    }
}

fn position(columns: &mut Vec<String>, name: &str) -> usize {
    columns.iter().position(|column| column == name).unwrap_or_else(|| {
        columns.push(name.to_owned());
        columns.len() - 1
    })
}

/// `median (least-most)`; one value stands for itself.
pub(crate) fn spread(values: &[f64]) -> String {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    match &sorted[..] {
        [] => "-".to_owned(),
        [one] => shown(*one),
        [least, .., most] => format!("{} ({}-{})", shown(median(&sorted)), shown(*least), shown(*most)),
    }
}

pub(crate) fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// Three digits that count.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{:.0}", (value / 10.0).round() * 10.0),
        size if size >= 100.0 || value == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
