//! The page, without a browser: that it needs nothing else, is well formed, small and safe.

use super::results;
use crate::support::{Folder, NODES, PODS};

/// Elements that have no end.
const VOID: [&str; 4] = ["meta", "link", "input", "br"];

/// The first thing that is not well formed: tags must be closed in the reverse order.
fn malformed(html: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>")?;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap_or(rest.len());
        let (tag, after) = rest.split_at(end);
        rest = after;
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next()?;
        if !name.bytes().all(|b| b.is_ascii_alphanumeric()) || name.is_empty() {
            return Some(format!("<{tag}> is no tag"));
        }
        if tag.matches('"').count() % 2 == 1 {
            return Some(format!("<{tag}> has an open quotation"));
        }
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return Some(format!("<{tag}> closes what is not open"));
            }
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        if name == "style" && !tag.starts_with('/') {
            // What is in it is no markup.
            rest = &rest[rest.find("</style")?..];
        }
    }
    (!open.is_empty()).then(|| format!("{open:?} are not closed"))
}

pub(super) fn check(html: &str) {
    assert_eq!(malformed(html), None);
    // A name in an id is there once.
    let ids = html.match_indices(" id=\"").map(|(at, _)| {
        let rest = &html[at + 5..];
        &rest[..rest.find('"').expect("quotations end")]
    });
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "ids are unique");
    let address = html
        .split_once("://")
        .map(|(_, after)| after.chars().take(30));
    assert_eq!(address.map(String::from_iter), None, "an address");
    for word in ["<script", "javascript:", "@import", "NaN", "inf ", "\"inf"] {
        assert!(!html.contains(word), "{word} in the page");
    }
    let outside = html
        .match_indices("url(")
        .filter(|(at, _)| !html[at + 4..].starts_with('#'));
    assert_eq!(outside.count(), 0, "the style sheet names files");
    assert!(!html.contains(" style="), "there is one style sheet");
}

#[test]
fn a_malformed_page_is_found() {
    for (html, good) in [
        ("<!DOCTYPE html><p>a<br>b</p>", true),
        ("<!DOCTYPE html><p><b>a</p></b>", false),
        ("<!DOCTYPE html><p>a < b</p>", false),
        ("<!DOCTYPE html><p class=\"a>b</p>", false),
        ("<!DOCTYPE html><p>", false),
    ] {
        assert_eq!(malformed(html).is_none(), good, "{html}");
    }
}

#[test]
fn the_page_is_well_formed_and_names_no_address() {
    for args in [
        &["--seeds", "1..3"][..],
        &["--seeds", "1"],
        &["--seeds", "1..2", "--strategies", "fgd"],
        &["--seeds", "1..2", "--load", "0.1"],
        &[
            "--seeds",
            "1..2",
            "--load",
            "list",
            "--node-share",
            "adaptive",
        ],
        &["--seeds", "1", "--load", "20", "--strategies", "fgd,random"],
    ] {
        check(&results(args).text("report.html"));
    }
}

#[test]
fn two_hundred_runs_are_less_than_two_megabytes() {
    let many = results(&["--seeds", "1..25"]).text("report.html");
    assert!(many.len() < 2_000_000, "{} bytes", many.len());
    let lists: Vec<String> = (0..24)
        .map(|n| format!("openb_pod_list_{n:02}.csv"))
        .collect();
    let folder = lists
        .iter()
        .fold(Folder::tiny(), |folder, name| folder.with(name, PODS));
    let args = [
        "--trace",
        &folder.trace(),
        "--list",
        "all",
        "--seeds",
        "1",
        "--load",
        "list",
    ];
    let wide = results(&args).text("report.html");
    assert!(wide.len() < 2_000_000, "{} bytes", wide.len());
    check(&wide);
}

#[test]
fn nothing_of_a_hostile_name_becomes_markup() {
    let name = "<script>alert(1)<b>&\"'";
    let nodes = NODES.replace("node-a", "\"<img src=x onerror=alert(2)>\"");
    let folder = Folder::tiny()
        .with("openb_node_list_gpu_node.csv", nodes)
        .with(
            &format!("openb_pod_list_{}.csv", name.replace('/', "")),
            PODS,
        );
    let place = results(&["--trace", &folder.trace(), "--list", name, "--seeds", "1"]);
    let html = place.text("report.html");
    check(&html);
    assert!(!html.contains("<img") && !html.contains("<b>&"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;b&gt;&amp;&quot;&#39;"));
    assert!(html.contains("&lt;img src=x onerror=alert(2)&gt;"));
}

#[test]
fn the_verdict_says_no_more_than_the_numbers() {
    let verdict = |args: &[&str]| {
        let html = results(args).text("report.html");
        let from = html
            .split("<h2 id=\"sentence\">")
            .nth(1)
            .expect("there is a verdict");
        from.split("</h2>").next().expect("it ends").to_owned()
    };
    let two = verdict(&["--seeds", "42..51", "--strategies", "random,best-fit"]);
    assert!(
        two.starts_with("best-fit packs most: ") && two.contains("95 % interval"),
        "{two}"
    );
    let same = verdict(&[
        "--seeds",
        "42..46",
        "--strategies",
        "most-allocated,dot-product",
    ]);
    assert!(
        same.contains("cannot be told apart") && same.contains('~'),
        "{same}"
    );
    let one = verdict(&["--seeds", "42", "--strategies", "random,best-fit"]);
    assert!(one.starts_with("One sample: "), "{one}");
    assert!(!one.contains("interval"), "{one}");
    let alone = verdict(&["--seeds", "42..46", "--strategies", "fgd"]);
    assert!(
        alone.starts_with("fgd allocates ") && !alone.contains("most"),
        "{alone}"
    );
}
