//! The report in a real browser: headless Chromium opens it, as it is, in two frames of 1280 and 420
//! pixels, and a page around them writes down what it finds.
//!
//! Where there is no Chromium the test says so and passes; with `STOWAGE_REQUIRE_BROWSER=1` there must
//! be one. `STOWAGE_BROWSER` names another program.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{Place, results};

/// What looks at the frames. A frame's content is this file's own, so that its elements can be read.
const PROBE: &str = r#"
const findings = {};
for (const width of [1280, 420]) {
  const frame = document.getElementById('w' + width), page = frame.contentDocument;
  for (const folded of page.querySelectorAll('details')) folded.open = true;
  const root = page.documentElement, over = [], cut = [];
  const hidden = e => e.closest('.skip, .scroll, pre, .defs, .colours legend, thead') !== null;
  for (const e of page.body.querySelectorAll('*')) {
    const box = e.getBoundingClientRect();
    if (box.width > 0 && box.right > width + 0.5 && !hidden(e)) over.push(e.tagName + ': ' + e.textContent.slice(0, 40));
  }
  for (const text of page.querySelectorAll('svg text')) {
    const box = text.getBoundingClientRect(), frame = text.ownerSVGElement.getBoundingClientRect();
    if (box.width > 0 && (box.left < frame.left - 1 || box.right > frame.right + 1
        || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)) cut.push(text.textContent);
  }
  const regions = [...page.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1 && width > 1000);
  const rows = [...page.querySelector('#strategies table').tBodies[0].rows];
  findings[width] = {
    overflow: root.scrollWidth - root.clientWidth, over, cut,
    moved: regions.map(e => e.getAttribute('aria-label')),
    requests: frame.contentWindow.performance.getEntriesByType('resource').map(e => e.name),
    table: rows.map(row => [...row.cells].map(c => [c.querySelector('span').textContent, c.dataset.value ?? null])),
    charts: [...page.querySelectorAll('svg.chart')].filter(e => e.getBoundingClientRect().width > 0).length,
    unnamed: [...page.querySelectorAll('svg.chart')].filter(e => !e.querySelector('title').textContent).length,
    small: [...page.querySelectorAll('svg.chart text')].filter(e => e.getBoundingClientRect().width > 0
      && e.getBoundingClientRect().height < 11).map(e => e.textContent),
    spilled: [...page.querySelectorAll('td')].filter(e => e.getBoundingClientRect().width > 0
      && e.scrollWidth > e.clientWidth + 1).map(e => e.textContent),
  };
}
document.getElementById('findings').textContent = JSON.stringify(findings);
"#;

/// The browser, or none and a line that says so.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("STOWAGE_BROWSER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let known = std::env::split_paths(&path).flat_map(|dir| known.map(|name| dir.join(name)));
    let found = named
        .into_iter()
        .chain(known)
        .find(|program| program.is_file());
    let required = std::env::var("STOWAGE_REQUIRE_BROWSER").is_ok_and(|value| value == "1");
    assert!(
        found.is_some() || !required,
        "STOWAGE_REQUIRE_BROWSER=1: expected chromium on the PATH"
    );
    if found.is_none() {
        // Not by eprintln, which passing tests swallow.
        writeln!(io::stderr(), "skipped: no chromium to open the report in")
            .expect("stderr can be written");
    }
    found
}

/// The document that `program` makes of `page`, and what it logs.
fn open(program: &Path, page: &Path) -> (String, String) {
    let profile = TempDir::new().expect("a temporary folder can be made");
    let mut command = assert_cmd::Command::new(program);
    command
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-extensions",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--enable-logging=stderr",
            "--v=0",
            "--window-size=1400,1000",
        ])
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .timeout(Duration::from_secs(120));
    let output = command.output().expect("the browser starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

/// Opens `html` in both widths and returns the findings and what the console said.
fn look(program: &Path, html: &str) -> (Value, Vec<String>) {
    let escaped = html.replace('&', "&amp;").replace('"', "&quot;");
    let frame = |width: u32| {
        format!(
            "<iframe id=\"w{width}\" width=\"{width}\" height=\"900\" style=\"border:0\" srcdoc=\"{escaped}\"></iframe>"
        )
    };
    let page = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><body>{}{}<pre id=\"findings\"></pre>\
         <script>addEventListener('load', () => {{{PROBE}}});</script>",
        frame(1280),
        frame(420)
    );
    let folder = TempDir::new().expect("a temporary folder can be made");
    let file = folder.path().join("probe.html");
    std::fs::write(&file, page).expect("files can be written");
    let (document, log) = open(program, &file);
    let findings = document
        .rsplit("<pre id=\"findings\">")
        .next()
        .unwrap_or_default();
    let findings = findings.split("</pre>").next().unwrap_or_default();
    let findings = findings
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let findings = serde_json::from_str(&findings);
    let console = log.lines().filter(|line| line.contains("CONSOLE"));
    let console = console.map(str::to_owned).collect();
    let shown = &log[log.len().saturating_sub(2000)..];
    (
        findings.unwrap_or_else(|e| panic!("no findings ({e}); the browser said {shown}")),
        console,
    )
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_report_opens_in_a_browser() {
    let Some(program) = browser() else {
        return;
    };
    let place = results(&["--seeds", "42..46"]);
    let findings = opens_well(&program, &place);
    for width in ["1280", "420"] {
        same_numbers(&findings[width]["table"], &place.json("summary.json"));
    }
}

/// What is found in the report, of which nothing is wrong.
fn opens_well(program: &Path, place: &Place) -> Value {
    let (findings, console) = look(program, &place.text("report.html"));
    assert_eq!(console, NOTHING, "the console is silent");
    for width in ["1280", "420"] {
        let found = &findings[width];
        assert_eq!(
            found["overflow"], 0,
            "{width}: the page is as wide as its frame"
        );
        for none in ["over", "cut", "moved", "requests", "small", "spilled"] {
            assert_eq!(found[none], serde_json::json!([]), "{width}: {none}");
        }
        assert!(
            found["charts"].as_u64() >= Some(5),
            "{width}: charts are drawn: {}",
            found["charts"]
        );
        assert_eq!(found["unnamed"], 0, "{width}: every chart has a title");
    }
    findings
}

#[test]
fn the_report_of_a_replay_opens_in_a_browser() {
    let Some(program) = browser() else {
        return;
    };
    let gangs = [
        "--trace",
        "synth:kind=gangs,jobs=400",
        "--cluster",
        "A100-80GB:8x16",
        "--load",
        "0.9",
        "--failures",
        "mtbf=20d,repair=10h",
        "--on-failure",
        "lose",
    ];
    // Numbers of GPU-hours that need more room than those of the demo.
    let long = [
        "--trace",
        "synth:kind=gangs,jobs=400,mean=60d",
        "--cluster",
        "A100-80GB:8x16",
        "--load",
        "0.9",
    ];
    for (more, seeds) in [(&gangs[..], "1..4"), (&[], "1"), (&long, "1..4")] {
        let args = [&["--mode", "replay", "--seeds", seeds], more].concat();
        let place = results(&args);
        let findings = opens_well(&program, &place);
        for width in ["1280", "420"] {
            same_times(&findings[width]["table"], &place.json("summary.json"));
        }
    }
}

/// The same of a replay, whose columns are times in a unit of their own.
fn same_times(table: &Value, summary: &Value) {
    let strategies = summary["comparison"]["strategies"].as_array();
    let strategies = strategies.expect("a list");
    let rows = table.as_array().expect("a list");
    assert_eq!(rows.len(), strategies.len());
    let columns = [
        (1, "waitMean"),
        (2, "difference"),
        (3, "waitP50"),
        (4, "waitP99"),
        (5, "completionMean"),
        (6, "allocatedPercent"),
        (7, "strandedGpuHours"),
    ];
    // What is shown times the unit is the number behind it, and the unit is one for the column.
    for (column, field) in columns {
        let mut units = vec![1.0, 60.0, 3600.0, 86_400.0];
        for row in rows {
            let named = |entry: &&Value| entry["strategy"] == row[0][0];
            let entry = strategies.iter().find(named).expect("it is a strategy");
            let Some(mean) = entry[field]["mean"].as_f64() else {
                assert_eq!(row[column][1], Value::Null, "{field}");
                continue;
            };
            let value = row[column][1].as_str().and_then(|text| text.parse().ok());
            assert_eq!(value, Some(mean), "{field}");
            let shown = row[column][0].as_str().expect("text");
            let shown = shown
                .replace('\u{2212}', "-")
                .replace([',', '+', '~', ' '], "");
            let decimals = shown.split_once('.').map_or(0, |(_, part)| part.len());
            let number: f64 = shown.parse().expect("a number is shown");
            let half = 0.501 / 10_f64.powf(decimals as f64);
            units.retain(|unit| (mean / unit - number).abs() <= half);
        }
        assert!(!units.is_empty(), "{field} is what summary.json says");
        if column >= 6 {
            assert_eq!(units[0], 1.0, "{field} is no time");
        }
    }
}

/// The table's numbers are those of summary.json, as written there and rounded.
fn same_numbers(table: &Value, summary: &Value) {
    let strategies = summary["comparison"][0]["strategies"]
        .as_array()
        .expect("a list");
    let rows = table.as_array().expect("a list");
    assert_eq!(rows.len(), strategies.len());
    for row in rows {
        let named = |entry: &&Value| entry["strategy"] == row[0][0];
        let entry = strategies
            .iter()
            .find(named)
            .expect("every row is a strategy");
        let columns = [
            (1, "allocatedPercent", 2),
            (2, "difference", 2),
            (3, "unallocatedGpus", 1),
            (4, "fragmentedPercent", 2),
            (5, "refusedPods", 1),
            (6, "firstRefusalPercent", 1),
        ];
        for (column, field, decimals) in columns {
            let Some(mean) = entry[field]["mean"].as_f64() else {
                assert_eq!(row[column][1], Value::Null, "{field}");
                continue;
            };
            let value = row[column][1].as_str().and_then(|text| text.parse().ok());
            assert_eq!(value, Some(mean), "{field}");
            let shown = row[column][0].as_str().expect("text");
            let shown = shown
                .replace('\u{2212}', "-")
                .replace([',', '+', '~', ' '], "");
            assert_eq!(shown, format!("{mean:.decimals$}"), "{field}");
        }
        let spread = summary["summary"].as_array().expect("a list").iter();
        let spread = spread.filter(|other| other["strategy"] == entry["strategy"]);
        let means: Vec<_> = spread
            .map(|other| &other["allocatedPercent"]["mean"])
            .collect();
        assert_eq!(
            means,
            [&entry["allocatedPercent"]["mean"]],
            "both parts of the summary agree"
        );
    }
}

#[test]
fn a_report_of_hostile_names_runs_nothing() {
    let Some(program) = browser() else {
        return;
    };
    let name = "<script>console.error('run')<img src=x onerror=console.error(1)>";
    let folder = crate::support::Folder::tiny().with(
        &format!("openb_pod_list_{}.csv", name.replace('/', "")),
        crate::support::PODS,
    );
    let place = results(&[
        "--trace",
        &folder.trace(),
        "--list",
        name,
        "--seeds",
        "1..2",
    ]);
    let (findings, console) = look(&program, &place.text("report.html"));
    assert_eq!(console, NOTHING, "the console is silent");
    assert_eq!(findings["420"]["overflow"], 0);
    assert_eq!(findings["420"]["requests"], serde_json::json!([]));
}

#[test]
fn a_page_that_is_too_wide_asks_for_a_file_or_complains_is_found() {
    let Some(program) = browser() else {
        return;
    };
    let page = "<!DOCTYPE html><body><section id=\"strategies\"><table><tbody></tbody></table></section>\
                <div style=\"width:600px\">wide</div><img src=\"http://localhost:1/x.png\">\
                <svg class=\"chart\" width=\"50\" height=\"20\"><title>t</title>\
                <text x=\"10\" y=\"15\">longer than it</text></svg>\
                <script>console.error('oh')</script></body>";
    let (findings, console) = look(&program, page);
    assert!(
        console.iter().any(|line| line.contains("oh")),
        "{console:?}"
    );
    let narrow = &findings["420"];
    assert_ne!(narrow["overflow"], 0);
    assert_ne!(narrow["over"], serde_json::json!([]));
    assert_ne!(narrow["requests"], serde_json::json!([]));
    assert_eq!(narrow["cut"], serde_json::json!(["longer than it"]));
    assert_eq!(findings["1280"]["overflow"], 0);
}
