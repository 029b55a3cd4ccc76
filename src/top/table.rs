//! Draws edges as a table of text.

use super::edges::Edge;

const HEAD: [&str; 6] = ["CLIENT", "SERVER", "PROTOCOL", "RATE", "ERRORS", "P95"];

/// The table, one edge a line, busiest first.
pub fn table(mut edges: Vec<Edge>) -> String {
    edges.sort_by(|left, right| right.rate.total_cmp(&left.rate).then_with(|| left.name.cmp(&right.name)));
    let mut rows = vec![HEAD.map(String::from)];
    rows.extend(edges.iter().map(row));
    let widths: [usize; 6] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn row(edge: &Edge) -> [String; 6] {
    [
        edge.name.client.clone(),
        edge.name.server.clone(),
        edge.name.protocol.clone(),
        format!("{:.1}/s", edge.rate),
        format!("{:.1}%", edge.failed * 100.0),
        edge.p95.map_or_else(|| "-".into(), duration),
    ]
}

fn duration(seconds: f64) -> String {
    if seconds >= 1.0 { format!("{seconds:.2}s") } else { format!("{:.1}ms", seconds * 1000.0) }
}

/// Names to the left, numbers to the right.
fn line(row: &[String; 6], widths: &[usize; 6]) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
        if column < 3 {
            line.push_str(&format!("{cell}{padding}  "));
        } else {
            line.push_str(&format!("{padding}{cell}  "));
        }
    }
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::super::edges::EdgeName;
    use super::*;

    #[test]
    fn columns_line_up_and_the_busiest_edge_comes_first() {
        let edge = |client: &str, rate, p95| Edge {
            name: EdgeName { client: client.into(), server: "cart".into(), protocol: "http".into() },
            rate,
            failed: 0.3,
            p95,
        };

        let drawn = table(vec![edge("web", 1.0, None), edge("front-page", 12.5, Some(1.25))]);

        assert_eq!(
            drawn,
            "CLIENT      SERVER  PROTOCOL    RATE  ERRORS    P95\n\
             front-page  cart    http      12.5/s   30.0%  1.25s\n\
             web         cart    http       1.0/s   30.0%      -\n"
        );
    }
}
