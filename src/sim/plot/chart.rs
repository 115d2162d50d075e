//! A chart as SVG: two axes with units, a legend, and what is drawn between them.

use core::fmt::Write;

/// The size of a picture, in the units of its view box.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;
/// The margins outside the axes.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 44.0;
/// About how many numbers an axis has.
const TICKS: f64 = 8.0;

/// A chart.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    /// The labels of the axes, with units.
    pub(super) x_label: String,
    pub(super) y_label: String,
    /// The first and last positions that are shown.
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    pub(super) layers: Vec<Layer>,
}

/// One kind of thing that is drawn, with its name in the legend.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) colour: &'static str,
    pub(super) marks: Marks,
}

/// How it is drawn.
#[derive(Clone, Debug)]
pub(super) enum Marks {
    /// Vertical bars: each at a position, from one height to another.
    Bars(Vec<(f64, f64, f64)>),
    /// A line that keeps its height until it changes.
    Steps(Vec<(f64, f64)>),
    /// The same, dashed.
    DashedSteps(Vec<(f64, f64)>),
    /// A cross.
    Crosses(Vec<(f64, f64)>),
    /// Dashed lines from the bottom to the top.
    Moments(Vec<f64>),
}

impl Chart {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
             <clipPath id=\"plot\"><rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/>\
             </clipPath>\n",
            WIDTH - LEFT - RIGHT,
            HEIGHT - TOP - BOTTOM
        );
        text(&mut svg, (LEFT, 20.0), "start", &self.title);
        self.axes(&mut svg);
        svg += "<g clip-path=\"url(#plot)\">\n";
        for layer in &self.layers {
            let (data, dashed) = self.path(&layer.marks);
            if !data.is_empty() {
                let dash = if dashed {
                    " stroke-dasharray=\"5 4\""
                } else {
                    ""
                };
                let _ = writeln!(
                    svg,
                    "<path d=\"{data}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{dash}/>",
                    layer.colour
                );
            }
        }
        svg += "</g>\n";
        self.legend(&mut svg);
        svg + "</svg>\n"
    }

    fn place_x(&self, x: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (x - self.x.0) / (self.x.1 - self.x.0)
    }

    fn place_y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - self.y.0) / (self.y.1 - self.y.0)
    }

    fn axes(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let mut grid = String::new();
        for (at, words) in ticks(self.x) {
            let x = self.place_x(at);
            let _ = write!(grid, "M{x:.1} {TOP}V{bottom}");
            text(svg, (x, bottom + 16.0), "middle", &words);
        }
        for (at, words) in ticks(self.y) {
            let y = self.place_y(at);
            let _ = write!(grid, "M{LEFT} {y:.1}H{right}");
            text(svg, (LEFT - 6.0, y + 4.0), "end", &words);
        }
        let _ = writeln!(svg, "<path d=\"{grid}\" stroke=\"#e4e4e4\"/>");
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"#666\"/>"
        );
        let middle = (LEFT + right) / 2.0;
        text(svg, (middle, HEIGHT - 8.0), "middle", &self.x_label);
        text(svg, (6.0, TOP - 8.0), "start", &self.y_label);
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT + 60.0;
        for layer in self.layers.iter().filter(|layer| !layer.marks.is_empty()) {
            let colour = layer.colour;
            let _ = match layer.marks {
                Marks::Crosses(_) => writeln!(
                    svg,
                    "<path d=\"M{x} 36l8 8m0 -8l-8 8\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
                ),
                _ => writeln!(
                    svg,
                    "<path d=\"M{x} 40h16\" stroke=\"{colour}\" stroke-width=\"3\"/>"
                ),
            };
            text(svg, (x + 20.0, 44.0), "start", layer.name);
            // About the width of the name in most fonts.
            x += 44.0 + 6.6 * layer.name.len() as f64;
        }
    }

    /// The data of an SVG path, and whether it is dashed.
    fn path(&self, marks: &Marks) -> (String, bool) {
        match marks {
            Marks::Bars(bars) => (self.bars(bars), false),
            Marks::Steps(steps) => (self.steps(steps), false),
            Marks::DashedSteps(steps) => (self.steps(steps), true),
            Marks::Crosses(crosses) => (self.crosses(crosses), false),
            Marks::Moments(moments) => (self.moments(moments), true),
        }
    }

    fn shows(&self, x: f64) -> bool {
        (self.x.0..=self.x.1).contains(&x)
    }

    /// Bars that touch end to end are drawn as one.
    fn bars(&self, bars: &[(f64, f64, f64)]) -> String {
        let mut data = String::new();
        let mut last: Option<(String, f64, f64)> = None;
        let draw = |data: &mut String, (x, from, to): &(String, f64, f64)| {
            let _ = write!(
                data,
                "M{x} {:.1}V{:.1}",
                self.place_y(*from),
                self.place_y(*to)
            );
        };
        for &(x, from, to) in bars.iter().filter(|bar| self.shows(bar.0)) {
            let x = format!("{:.1}", self.place_x(x));
            match &mut last {
                Some((at, _, top)) if *at == x && *top == from => *top = to,
                _ => {
                    last.iter().for_each(|bar| draw(&mut data, bar));
                    last = Some((x, from, to));
                }
            }
        }
        last.iter().for_each(|bar| draw(&mut data, bar));
        data
    }

    /// Of the values in one column of the picture, only the lowest, the highest and the last
    /// matter.
    fn steps(&self, steps: &[(f64, f64)]) -> String {
        let before = steps.iter().take_while(|step| step.0 < self.x.0).last();
        let shown = steps.iter().filter(|step| self.shows(step.0));
        let mut data = String::new();
        let mut column: Option<Column> = None;
        for &(x, y) in before.into_iter().chain(shown) {
            let at = self.place_x(x.max(self.x.0)).round();
            match &mut column {
                Some(same) if same.at == at => same.add(y),
                _ => {
                    column
                        .iter()
                        .for_each(|column| self.column(&mut data, column));
                    column = Some(Column {
                        at,
                        first: y,
                        least: y,
                        most: y,
                        last: y,
                    });
                }
            }
        }
        column
            .iter()
            .for_each(|column| self.column(&mut data, column));
        if !data.is_empty() {
            let _ = write!(data, "H{}", WIDTH - RIGHT);
        }
        data
    }

    fn column(&self, data: &mut String, column: &Column) {
        let at = column.at;
        let y = |y| format!("{:.1}", self.place_y(y));
        let _ = match data.is_empty() {
            true => write!(data, "M{at} {}", y(column.first)),
            false => write!(data, "H{at}V{}", y(column.first)),
        };
        let mut height = y(column.first);
        for next in [column.least, column.most, column.last].map(y) {
            if next != height {
                let _ = write!(data, "V{next}");
                height = next;
            }
        }
    }

    fn crosses(&self, crosses: &[(f64, f64)]) -> String {
        let mut data = String::new();
        for &(x, y) in crosses.iter().filter(|cross| self.shows(cross.0)) {
            let (x, y) = (self.place_x(x) - 4.0, self.place_y(y) - 4.0);
            let _ = write!(data, "M{x:.1} {y:.1}l8 8m0 -8l-8 8");
        }
        data
    }

    fn moments(&self, moments: &[f64]) -> String {
        let mut data = String::new();
        for &x in moments.iter().filter(|x| self.shows(**x)) {
            let _ = write!(data, "M{:.1} {TOP}V{}", self.place_x(x), HEIGHT - BOTTOM);
        }
        data
    }
}

/// The values in one column of a picture.
struct Column {
    at: f64,
    first: f64,
    least: f64,
    most: f64,
    last: f64,
}

impl Column {
    fn add(&mut self, y: f64) {
        self.least = self.least.min(y);
        self.most = self.most.max(y);
        self.last = y;
    }
}

impl Marks {
    fn is_empty(&self) -> bool {
        match self {
            Marks::Bars(bars) => bars.is_empty(),
            Marks::Steps(steps) | Marks::DashedSteps(steps) => steps.is_empty(),
            Marks::Crosses(crosses) => crosses.is_empty(),
            Marks::Moments(moments) => moments.is_empty(),
        }
    }
}

/// The numbers of an axis, and their positions: multiples of 1, 2 or 5 times a power of ten.
fn ticks((from, to): (f64, f64)) -> Vec<(f64, String)> {
    let rough = (to - from) / TICKS;
    let mut step = 1e-9;
    let mut digits = 9usize;
    let factors = [1.0, 2.0, 5.0];
    let step = 'found: loop {
        for factor in factors {
            if step * factor >= rough {
                break 'found step * factor;
            }
        }
        step *= 10.0;
        digits = digits.saturating_sub(1);
    };
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    (first..=last)
        .map(|number| {
            let at = number as f64 * step;
            (at, format!("{at:.digits$}"))
        })
        .collect()
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(marks: Marks) -> Chart {
        Chart {
            title: "A & B < C".to_owned(),
            x_label: "time (s)".to_owned(),
            y_label: "kB".to_owned(),
            x: (0.0, 870.0),
            y: (0.0, 318.0),
            layers: vec![Layer {
                name: "data",
                colour: "black",
                marks,
            }],
        }
    }

    #[test]
    fn ticks_are_round_and_within() {
        let words = |range| -> Vec<String> {
            let ticks = ticks(range);
            ticks.into_iter().map(|(_, words)| words).collect()
        };
        assert_eq!(
            words((0.0, 4.0)),
            [
                "0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"
            ]
        );
        assert_eq!(
            words((95.0, 250.0)),
            ["100", "120", "140", "160", "180", "200", "220", "240"]
        );
        assert_eq!(words((0.0, 0.004)).len(), 9);
    }

    /// The scales are 1: one unit of the axis is one unit of the picture.
    #[test]
    fn bars_that_stand_on_one_another_are_one() {
        let bars = Marks::Bars(vec![
            (1.0, 0.0, 1.0),
            (1.0, 1.0, 2.0),
            (1.0, 3.0, 4.0),
            (2.0, 4.0, 5.0),
        ]);
        let (data, _) = chart(Marks::Steps(Vec::new())).path(&bars);
        assert_eq!(data, "M75.0 376.0V374.0M75.0 373.0V372.0M76.0 372.0V371.0");
    }

    #[test]
    fn steps_keep_the_extremes_of_a_column_and_what_was_before() {
        let mut chart = chart(Marks::Steps(Vec::new()));
        chart.x = (10.0, 880.0);
        let steps = vec![
            (2.0, 7.0),
            (12.0, 5.0),
            (12.1, 1.0),
            (12.2, 9.0),
            (12.3, 3.0),
            (990.0, 0.0),
        ];
        let (data, dashed) = chart.path(&Marks::DashedSteps(steps));
        assert_eq!(data, "M74 369.0H76V371.0V375.0V367.0V373.0H944");
        assert!(dashed);
    }

    #[test]
    fn a_picture_says_its_names_and_is_well_formed() {
        let svg = chart(Marks::Crosses(vec![(5.0, 5.0)])).svg();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("A &amp; B &lt; C") && svg.contains(">data<"));
        for (open, close) in [("<text", "</text>"), ("<g", "</g>")] {
            assert_eq!(svg.matches(open).count(), svg.matches(close).count());
        }
    }
}
