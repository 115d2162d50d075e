//! The state diagram as a picture, laid out like figure 5 of RFC 9293: `docs/state.svg`, and for
//! whoever wants another layout `docs/state.dot`.
//!
//! What is drawn comes from [`ARROWS`]; where it stands, from the tables here.

use std::collections::BTreeMap;
use std::fmt::Write;

use stubborn::tcp::{ARROWS, Arrow, Event, State};

use Event::*;
use State::*;

const WIDTH: i32 = 1120;
const HEIGHT: i32 = 1010;
const BOX: (i32, i32) = (150, 46);

/// Where the states stand: the middle of their boxes. CLOSED stands twice, as in the figure.
const BOXES: [(State, i32, i32); 12] = [
    (Closed, 560, 50),
    (Listen, 560, 190),
    (SynReceived, 170, 330),
    (SynSent, 950, 330),
    (Established, 560, 460),
    (FinWait1, 170, 590),
    (CloseWait, 950, 590),
    (FinWait2, 170, 740),
    (Closing, 560, 740),
    (LastAck, 950, 740),
    (TimeWait, 560, 870),
    (Closed, 950, 870),
];

/// How an arrow runs, and where its label stands: the middle of its event.
struct Route {
    from: State,
    to: State,
    event: Event,
    path: &'static str,
    label: (i32, i32),
}

const fn route(
    from: State,
    event: Event,
    to: State,
    path: &'static str,
    label: (i32, i32),
) -> Route {
    Route {
        from,
        to,
        event,
        path,
        label,
    }
}

/// The arrows of the figure, and those that §3.10 adds between two states that are both in it.
const ROUTES: [Route; 22] = [
    route(Closed, PassiveOpen, Listen, "M540 73V167", (475, 108)),
    route(Listen, Close, Closed, "M580 167V73", (640, 128)),
    route(
        Closed,
        ActiveOpen,
        SynSent,
        "M635 50H930Q965 50 965 85V307",
        (1020, 170),
    ),
    route(
        SynSent,
        Close,
        Closed,
        "M920 307V100Q920 65 885 65H635",
        (862, 170),
    ),
    route(
        Listen,
        RcvSyn,
        SynReceived,
        "M485 205Q330 240 230 307",
        (300, 215),
    ),
    route(
        SynReceived,
        RcvRstPassive,
        Listen,
        "M170 307V215Q170 180 205 180H485",
        (300, 145),
    ),
    route(
        Listen,
        Send,
        SynSent,
        "M635 205Q790 240 890 307",
        (775, 192),
    ),
    route(
        Listen,
        ActiveOpen,
        SynSent,
        "M635 205Q790 240 890 307",
        (690, 262),
    ),
    route(SynSent, RcvSyn, SynReceived, "M875 330H245", (560, 297)),
    route(
        SynReceived,
        RcvAckOfSyn,
        Established,
        "M245 345Q420 370 500 437",
        (350, 400),
    ),
    route(
        SynSent,
        RcvSynAck,
        Established,
        "M875 345Q700 370 620 437",
        (770, 400),
    ),
    route(SynReceived, Close, FinWait1, "M150 353V567", (95, 450)),
    route(
        Established,
        Close,
        FinWait1,
        "M485 470Q330 500 235 567",
        (380, 530),
    ),
    route(
        Established,
        RcvFin,
        CloseWait,
        "M635 470Q790 500 885 567",
        (740, 530),
    ),
    route(FinWait1, RcvAckOfFin, FinWait2, "M150 613V717", (75, 655)),
    route(
        FinWait1,
        RcvFin,
        Closing,
        "M245 600Q430 625 520 717",
        (355, 660),
    ),
    route(CloseWait, Close, LastAck, "M950 613V717", (1010, 655)),
    route(
        FinWait2,
        RcvFin,
        TimeWait,
        "M190 763V835Q190 870 225 870H485",
        (290, 835),
    ),
    route(Closing, RcvAckOfFin, TimeWait, "M560 763V847", (640, 795)),
    route(LastAck, RcvAckOfFin, Closed, "M950 763V847", (1030, 795)),
    route(TimeWait, Timeout, Closed, "M635 870H875", (755, 835)),
    route(
        FinWait2,
        Timeout,
        Closed,
        "M150 763V900Q150 935 185 935H915Q950 935 950 900V893",
        (380, 902),
    ),
];

/// What leads to CLOSED from nearly everywhere: letters in the boxes stand for these arrows.
const SUMMARISED: [(Event, char); 3] = [(RcvRst, 'R'), (Abort, 'A'), (GiveUp, 'N')];

fn letter(arrow: &Arrow) -> Option<char> {
    let (_, letter) = SUMMARISED.iter().find(|(event, _)| *event == arrow.event)?;
    // One event may have two actions: the rarer one has the small letter.
    let rarer = arrow.event == Abort && arrow.action == "delete TCB";
    Some(if rarer {
        letter.to_ascii_lowercase()
    } else {
        *letter
    })
}

/// Arrows that the picture does not show: neither drawn nor summarised.
pub(crate) fn not_shown() -> Vec<&'static Arrow> {
    let is_drawn = |arrow: &Arrow| {
        ROUTES
            .iter()
            .any(|route| (route.from, route.event, route.to) == (arrow.from, arrow.event, arrow.to))
    };
    let shown = |arrow: &&Arrow| is_drawn(arrow) || (letter(arrow).is_some() && arrow.to == Closed);
    ARROWS.iter().filter(|arrow| !shown(arrow)).collect()
}

/// Routes for arrows that are not there any more.
pub(crate) fn drawn_in_vain() -> Vec<String> {
    ROUTES
        .iter()
        .filter(|route| route.from.on(route.event) != Some(route.to))
        .map(|route| format!("{} -- {} --> {}", route.from, route.event, route.to))
        .collect()
}

pub(crate) fn svg() -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif" text-anchor="middle">
<!-- Written by tests/state_diagram.rs from ARROWS (src/tcp/state.rs). -->
<title>The states of a TCP connection (RFC 9293, figure 5)</title>
<defs><marker id="head" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="9" markerHeight="9" orient="auto"><path d="M0 0L10 5L0 10z" fill="#334"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
"##
    );
    for route in &ROUTES {
        draw_arrow(&mut svg, route);
    }
    for (state, x, y) in BOXES {
        draw_box(&mut svg, state, x, y);
    }
    draw_legend(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The words of an event, and the lines of an action.
fn words(event: Event, action: &str) -> (String, Vec<String>) {
    let event = match event {
        RcvRstPassive => "rcv RST (passive OPEN)".to_owned(),
        other => other.to_string(),
    };
    let action = if action.is_empty() { "x" } else { action };
    (event, action.split(", ").map(str::to_owned).collect())
}

fn draw_arrow(svg: &mut String, route: &Route) {
    let arrow = ARROWS
        .iter()
        .find(|arrow| arrow.from == route.from && arrow.event == route.event);
    let action = arrow.map_or("", |arrow| arrow.action);
    let (event, actions) = match (route.from, route.event) {
        (FinWait2, Timeout) => (
            "Timeout (nobody holds it)".to_owned(),
            vec![action.to_owned()],
        ),
        _ => words(route.event, action),
    };
    let (x, y) = route.label;
    let widest = actions
        .iter()
        .chain([&event])
        .map(String::len)
        .max()
        .unwrap_or(0);
    let half = widest as i32 * 7 / 2;
    writeln!(
        svg,
        r##"<path d="{}" fill="none" stroke="#334" stroke-width="1.4" marker-end="url(#head)"/>"##,
        route.path
    )
    .unwrap();
    // A label has a white ground, since it may stand on an arrow.
    let height = 20 + 15 * actions.len() as i32;
    let (left, top) = (x - half - 3, y - 13);
    writeln!(
        svg,
        r##"<rect x="{left}" y="{top}" width="{}" height="{height}" fill="#fff"/>"##,
        2 * half + 6
    )
    .unwrap();
    writeln!(
        svg,
        r##"<text x="{x}" y="{y}" font-size="13" fill="#111">{}</text><path d="M{} {}H{}" stroke="#889"/>"##,
        escape(&event),
        x - half,
        y + 5,
        x + half
    )
    .unwrap();
    for (index, action) in (1..).zip(&actions) {
        writeln!(
            svg,
            r##"<text x="{x}" y="{}" font-size="13" font-style="italic" fill="#246">{}</text>"##,
            y + 4 + 15 * index,
            escape(action)
        )
        .unwrap();
    }
}

fn draw_box(svg: &mut String, state: State, x: i32, y: i32) {
    let (width, height) = BOX;
    let fill = match state {
        Closed => "#eee",
        Established => "#d9f0dd",
        _ => "#e6eefb",
    };
    writeln!(
        svg,
        r##"<rect x="{}" y="{}" width="{width}" height="{height}" rx="5" fill="{fill}" stroke="#223" stroke-width="1.4"/>"##,
        x - width / 2,
        y - height / 2
    )
    .unwrap();
    writeln!(
        svg,
        r##"<text x="{x}" y="{}" font-size="15" font-weight="bold" fill="#111">{state}</text>"##,
        y + 2
    )
    .unwrap();
    let letters: Vec<String> = ARROWS
        .iter()
        .filter(|arrow| arrow.from == state)
        .filter_map(letter)
        .map(String::from)
        .collect();
    writeln!(
        svg,
        r##"<text x="{x}" y="{}" font-size="11" fill="#a33">{}</text>"##,
        y + 17,
        letters.join(" ")
    )
    .unwrap();
}

/// The letters, each with its event and its action.
fn draw_legend(svg: &mut String) {
    let mut meanings: BTreeMap<char, String> = BTreeMap::new();
    for arrow in ARROWS {
        if let Some(letter) = letter(arrow) {
            meanings.insert(letter, format!("{}: {}", arrow.event, arrow.action));
        }
    }
    let mut text = String::new();
    for (letter, meaning) in &meanings {
        let meaning = escape(meaning);
        write!(
            text,
            r##"<tspan fill="#a33">{letter}</tspan> {meaning} &#160; &#160; "##
        )
        .unwrap();
    }
    writeln!(
        svg,
        r##"<text x="{}" y="{}" font-size="13" fill="#111">From here to CLOSED: &#160; {text}</text>"##,
        WIDTH / 2,
        HEIGHT - 42
    )
    .unwrap();
    writeln!(
        svg,
        r##"<text x="{}" y="{}" font-size="13" fill="#111">An arrow: what happens, and under the line what is done; x: nothing. A FIN that acknowledges ours takes FIN-WAIT-1 to TIME-WAIT by two arrows.</text>"##,
        WIDTH / 2,
        HEIGHT - 18
    )
    .unwrap();
}

/// The same for Graphviz: arrows from one state to another with the same action become one.
pub(crate) fn dot() -> String {
    let mut edges: BTreeMap<(usize, usize, &str), Vec<String>> = BTreeMap::new();
    let place = |state: State| State::ALL.iter().position(|s| *s == state).unwrap_or(0);
    for arrow in ARROWS {
        let key = (place(arrow.from), place(arrow.to), arrow.action);
        edges.entry(key).or_default().push(arrow.event.to_string());
    }
    let mut dot = String::from(
        "// The states of a TCP connection (RFC 9293, figure 5).\n\
         // Written by tests/state_diagram.rs from ARROWS (src/tcp/state.rs).\n\
         digraph tcp {\n    node [shape=box];\n",
    );
    for state in State::ALL {
        writeln!(dot, "    \"{state}\";").unwrap();
    }
    for ((from, to, action), events) in edges {
        let [from, to] = [from, to].map(|place| State::ALL[place]);
        let action = if action.is_empty() { "x" } else { action };
        let label = format!("{}\\n{action}", events.join("; "));
        writeln!(dot, "    \"{from}\" -> \"{to}\" [label=\"{label}\"];").unwrap();
    }
    dot.push_str("}\n");
    dot
}
