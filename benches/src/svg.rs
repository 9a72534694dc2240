//! The ratios as a bar chart.

use crate::report::Table;
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const LABELS: f64 = 210.0;
const VALUES: f64 = 60.0;
const BAR: f64 = 11.0;
const GROUP_GAP: f64 = 9.0;
const HEADING: f64 = 40.0;
const LEGEND: f64 = 64.0;
/// One colour for each implementation, readable on light and dark.
const COLOURS: [&str; 5] = ["#2f7ed8", "#e07b39", "#3a9d5d", "#a668c4", "#c9a227"];

/// The chart; bars are as long as the ratios of the medians.
pub(crate) fn chart(tables: &[Table], names: &[String]) -> String {
    let ratios = |table: &Table| -> Vec<f64> {
        table.rows.iter().flat_map(|row| (0..names.len()).filter_map(|index| row.ratio(index))).collect()
    };
    let largest = tables.iter().flat_map(ratios).fold(1.0, f64::max);
    let scale = (WIDTH - LABELS - VALUES) / largest;
    let mut y = LEGEND;
    let mut body = String::new();
    for table in tables {
        y += HEADING;
        let _ = writeln!(body, "<text class=\"h\" x=\"10\" y=\"{:.1}\">{}</text>", y - 14.0, escape(table.title));
        for row in &table.rows {
            let bars: Vec<(usize, f64)> =
                (0..names.len()).filter_map(|index| Some((index, row.ratio(index)?))).collect();
            let middle = y + BAR * bars.len() as f64 / 2.0 + 4.0;
            let (x, title) = (LABELS - 10.0, escape(&row.title));
            let _ = writeln!(body, "<text x=\"{x}\" y=\"{middle:.1}\" text-anchor=\"end\">{title}</text>");
            for (index, ratio) in bars {
                let (width, height, colour) = (ratio * scale, BAR - 2.0, COLOURS[index % COLOURS.len()]);
                let _ = writeln!(
                    body,
                    "<rect x=\"{LABELS}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{colour}\"/>\
                     <text class=\"v\" x=\"{:.1}\" y=\"{:.1}\">{ratio:.2}</text>",
                    LABELS + width + 5.0,
                    y + BAR - 3.0,
                );
                y += BAR;
            }
            y += GROUP_GAP;
        }
    }
    let mut legend = String::new();
    let step = (WIDTH - 20.0) / names.len() as f64;
    for (index, name) in names.iter().enumerate() {
        let x = 10.0 + step * index as f64;
        let (colour, name) = (COLOURS[index % COLOURS.len()], escape(name));
        let _ = writeln!(
            legend,
            "<rect x=\"{x:.1}\" y=\"40\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"50\">{name}</text>",
            x + 18.0
        );
    }
    let height = y + 10.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"CPU time of each implementation, ours being 1\">\n\
         <style>\n\
         text {{ font: 13px system-ui, sans-serif; fill: #1f2328 }}\n\
         .h {{ font-weight: 600; font-size: 15px }}\n\
         .v {{ font-size: 10px }}\n\
         .b {{ fill: #ffffff }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .b {{ fill: #0d1117 }} }}\n\
         </style>\n\
         <rect class=\"b\" width=\"100%\" height=\"100%\"/>\n\
         <text class=\"h\" x=\"10\" y=\"24\">CPU time per operation, ours = 1 (shorter is better)</text>\n\
         {legend}{body}</svg>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
