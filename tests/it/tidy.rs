//! Rules of the house that no lint knows: headers, sizes, leftovers, imports, and that
//! ARCHITECTURE.md names tests that exist.

use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 400;

/// Who may not import what: a place in `src/` and the beginnings of paths.
const IMPORTS: [(&str, &[&str]); 4] = [
    (
        "src/sim/",
        &[
            "crate::cli",
            "crate::clock",
            "tokio",
            "kube",
            "k8s_openapi",
            "actix_web",
        ],
    ),
    (
        "src/config",
        &["crate::sim", "crate::cli", "crate::clock", "tokio", "kube"],
    ),
    (
        "src/inspect/",
        &[
            "crate::cli",
            "crate::clock",
            "crate::extender",
            "crate::shared",
            "crate::sim",
            "tokio",
            "kube",
        ],
    ),
    ("src/clock.rs", &["crate"]),
];

const CORE_DEPENDENCIES: [&str; 4] = ["libm", "petgraph", "smallvec", "thiserror"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of the project's files below `folder` that end in one of `endings`, with their text.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let paths = entries.map(|entry| entry.expect("folders can be listed").path());
        let mut paths: Vec<PathBuf> = paths.collect();
        paths.sort();
        for path in paths {
            let name = path.strip_prefix(root()).expect("it is below the root");
            let name = name.to_str().expect("names are text").replace('\\', "/");
            let skipped = ["target", ".git"].contains(&name.as_str());
            if path.is_dir() && !skipped {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push((name, fs::read_to_string(&path).expect("it is text")));
            }
        }
    }
    found
}

fn sources() -> Vec<(String, String)> {
    let folders = ["src", "crates", "tests", "benches"];
    let sources: Vec<_> = folders.iter().flat_map(|f| files(f, &[".rs"])).collect();
    assert!(sources.len() > 40, "the sources are found");
    sources
}

/// Fails with every complaint about `files`.
fn check(files: &[(String, String)], complaint: impl Fn(&str, &str) -> Option<String>) {
    let complaints = files.iter().filter_map(|(name, text)| {
        let complaint = complaint(name, text)?;
        Some(format!("{name}: {complaint}"))
    });
    let complaints: Vec<_> = complaints.collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Whether `word` stands in `text` and not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let after = &text[at + word.len()..];
        !text[..at].ends_with(part) && !after.starts_with(part)
    })
}

#[test]
fn every_source_opens_with_its_purpose() {
    check(&sources(), |_, text| {
        let header = text.lines().map_while(|line| line.strip_prefix("//!"));
        let (mut lines, mut words) = (0, 0);
        for line in header {
            lines += 1;
            words += line.split_whitespace().count();
        }
        let good = words >= 2 && lines <= 20;
        (!good).then(|| format!("expected //! and its purpose, got {words} words on {lines} lines"))
    });
}

#[test]
fn no_source_is_long() {
    check(&sources(), |_, text| {
        let lines = text.lines().count();
        (lines > MOST_LINES).then(|| format!("{lines} lines: expected at most {MOST_LINES}"))
    });
}

#[test]
fn nothing_is_left_over() {
    // Put together here, because this file is looked at too.
    let leftovers = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["unimple", "mented!"],
        ["to", "do!"],
        ["db", "g!"],
    ];
    check(&sources(), |_, text| {
        let mut leftovers = leftovers.iter().map(|parts| parts.concat());
        let found = leftovers.find(|word| text.contains(word.as_str()));
        found.map(|word| format!("{word} is left over"))
    });
}

#[test]
fn no_test_is_switched_off() {
    let off = ["#[ign", "ore"].concat();
    check(&sources(), |_, text| {
        text.contains(&off).then(|| format!("{off} hides a test"))
    });
}

#[test]
fn no_machine_is_mentioned() {
    let endings = [
        ".rs", ".md", ".toml", ".yaml", ".yml", ".json", "/run", ".sh",
    ];
    let places = ["work", "home", "root", "Users"].map(|folder| format!("/{folder}/"));
    check(&files("", &endings), |_, text| {
        let found = places.iter().find(|place| text.contains(place.as_str()));
        found.map(|place| format!("{place} is a path of one machine"))
    });
}

#[test]
fn modules_import_only_what_they_may() {
    for (place, forbidden) in IMPORTS {
        let files: Vec<_> = files("src", &[".rs"]);
        let files: Vec<_> = files
            .into_iter()
            .filter(|(name, _)| name.starts_with(place))
            .collect();
        assert!(!files.is_empty(), "{place} is there");
        check(&files, |_, text| forbidden_import(text, forbidden));
    }
}

#[test]
fn nobody_imports_the_command_line() {
    let files = files("src", &[".rs"]);
    let others =
        |(name, _): &(String, String)| !name.starts_with("src/cli") && name != "src/main.rs";
    let files: Vec<_> = files.into_iter().filter(others).collect();
    check(&files, |_, text| forbidden_import(text, &["crate::cli"]));
}

#[test]
fn only_the_command_line_imports_inspect() {
    let files = files("src", &[".rs"]);
    let others = |(name, _): &(String, String)| {
        !["src/cli/", "src/inspect/"]
            .iter()
            .any(|p| name.starts_with(p))
    };
    let files: Vec<_> = files.into_iter().filter(others).collect();
    check(&files, |_, text| {
        forbidden_import(text, &["crate::inspect"])
    });
}

fn forbidden_import(text: &str, forbidden: &[&str]) -> Option<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<_> = code.collect();
    let imports = |path: &str| {
        let (inside, renamed) = (format!("{path}::"), format!("use {path}"));
        let used = |line: &&&str| {
            has_word(line, path) && (line.contains(&inside) || line.contains(&renamed))
        };
        code.iter().find(used).copied()
    };
    let line = forbidden.iter().find_map(|path| imports(path))?;
    Some(format!("{:?} imports what it may not", line.trim()))
}

#[test]
fn a_forbidden_import_is_found() {
    for line in [
        "use crate::cli::print;",
        "    let x = tokio::spawn(y);",
        "use kube;",
    ] {
        assert!(
            forbidden_import(line, &["crate::cli", "tokio", "kube"]).is_some(),
            "{line}"
        );
    }
    for line in [
        "// use crate::cli",
        "use crate::client::x;",
        "let kube = 1;",
    ] {
        assert!(
            forbidden_import(line, &["crate::cli", "kube"]).is_none(),
            "{line}"
        );
    }
}

#[test]
fn the_core_depends_on_little() {
    let manifest = fs::read_to_string(root().join("crates/core/Cargo.toml"));
    let manifest = manifest.expect("the core has a manifest");
    let section = manifest
        .split("\n[dependencies]\n")
        .nth(1)
        .expect("it has dependencies");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names: Vec<_> = lines
        .filter_map(|line| line.split([' ', '.', '=']).next())
        .collect();
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(names, CORE_DEPENDENCIES);
    let others = ["[target.", "[build-dependencies"].map(|table| manifest.contains(table));
    assert_eq!(
        others,
        [false, false],
        "no dependencies come in by another door"
    );
}

#[test]
fn floating_point_stays_with_the_strategies() {
    let core = files("crates/core/src", &[".rs"]);
    check(&core, |name, text| {
        let float = ["f32", "f64"].iter().find(|float| has_word(text, float));
        let float = float.filter(|_| !name.starts_with("crates/core/src/strategy/"));
        float.map(|float| format!("{float} outside strategy/"))
    });
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md"));
    let text = text.expect("ARCHITECTURE.md can be read");
    let section = text
        .split("\n## Invariants")
        .nth(1)
        .expect("it has invariants");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows.filter(|row| !row.starts_with("| #")).collect();
    assert!(
        rows.len() >= 5,
        "invariants are rows of a table, got {rows:?}"
    );
    for row in rows {
        let tests = row
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| code.ends_with(".rs"));
        let tests: Vec<_> = tests.collect();
        assert!(!tests.is_empty(), "expected a test in {row:?}");
        for test in tests {
            let text = fs::read_to_string(root().join(test)).unwrap_or_default();
            assert!(
                text.contains("#[test]") || text.contains("#[tokio::test"),
                "{test} has no tests: {row}"
            );
        }
    }
}
