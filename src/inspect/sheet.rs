//! What `stowage explain` found, as people read it.

use super::devices::{ContainerReport, DeviceReport};
use super::explain::{BestReport, BoundReport, Explanation, VerdictReport};
use super::paper::{Ink, Line, Paper};
use super::words::{count, grouped, percent, shown};
use stowage_core::units::Milli;

/// The whole text.
#[must_use]
pub fn sheet(found: &Explanation, paper: Paper) -> String {
    let asks = match &*found.asks {
        "" => String::new(),
        asks => format!(" asks for {asks}"),
    };
    let mut lines = paper.wrap(&shown(&format!("{}{asks}", found.pod), 400), 2);
    lines.push(status(found));
    if let Some(bound) = &found.bound {
        lines.extend(placed(bound, paper));
    }
    if !found.verdicts.is_empty() {
        lines.push(Line::default());
        lines.extend(verdicts(&found.verdicts, paper));
    }
    for best in &found.best {
        lines.push(Line::default());
        lines.extend(candidate(best, paper));
    }
    if let Some(score) = found.best.first().map(|_| found.strategy_summary) {
        lines.push(Line::default());
        let text = format!(
            "Score of {}: {score}; higher is better, comparable here only.",
            found.strategy
        );
        lines.extend(paper.wrap(&text, 2));
    }
    if found.status == "refused" {
        lines.push(Line::default());
        let text = match &found.nearest_change {
            Some(change) => format!("Nearest change: {}; then it fits.", change.sentence),
            None if found.verdicts.is_empty() => {
                "There is no node: expected nodes beside the pods of the snapshot.".to_owned()
            }
            None => "No single change of it would make it fit.".to_owned(),
        };
        lines.extend(paper.wrap(&shown(&text, 400), 2));
    }
    if !found.unmodelled.is_empty() {
        lines.push(Line::default());
        let text = format!("Not judged here: {}.", found.unmodelled.join(", "));
        lines.extend(paper.wrap(&text, 2));
    }
    paper.print(&lines)
}

fn status(found: &Explanation) -> Line {
    let nodes: u32 = found.verdicts.iter().map(|verdict| verdict.nodes).sum();
    let fit: u32 = found
        .verdicts
        .iter()
        .filter(|v| v.fits)
        .map(|v| v.nodes)
        .sum();
    let strategy = format!(" (strategy {})", found.strategy);
    match found.status {
        "fits" => Line::of(
            format!(
                "fits on {fit} of {}{strategy}",
                count(u64::from(nodes), "node")
            ),
            Ink::Green,
        ),
        "bound" => {
            let node = found.bound.as_ref().map_or("", |bound| &bound.node);
            Line::of(format!("is bound to {}", shown(node, 80)), Ink::Green)
        }
        "ended" => Line::of("has ended and holds nothing", Ink::Plain),
        _ => Line::of(
            format!("fits on none of {}", count(u64::from(nodes), "node")),
            Ink::Yellow,
        ),
    }
}

fn placed(bound: &BoundReport, paper: Paper) -> Vec<Line> {
    let mut lines = devices(&bound.containers);
    lines.extend(remarks(bound.links, &bound.warnings, paper));
    let note = if !bound.node_known {
        "the node is not among those that were read"
    } else if !bound.devices_known {
        "which GPUs it has is not known: it carries no placement that can be read"
    } else if bound.predicted {
        "predicted: the device plugin may have chosen other GPUs"
    } else {
        return lines;
    };
    lines.push(Line::of(format!("  {note}"), Ink::Yellow));
    lines
}

fn verdicts(verdicts: &[VerdictReport], paper: Paper) -> Vec<Line> {
    let widest = verdicts
        .iter()
        .map(|verdict| verdict.verdict.chars().count())
        .max()
        .unwrap_or(0);
    let widest = widest.clamp(7, 52);
    let mut head = Line::default();
    head.right("nodes", 7, Ink::Dim);
    head.push("  ", Ink::Plain);
    head.left("verdict", widest + 2, Ink::Dim);
    let example = if verdicts.iter().any(|v| v.fits) {
        "best or closest"
    } else {
        "closest"
    };
    head.push(example, Ink::Dim);
    let mut lines = vec![head];
    for verdict in verdicts {
        let mut line = Line::default();
        let ink = if verdict.fits {
            Ink::Green
        } else {
            Ink::Yellow
        };
        line.right(&grouped(u64::from(verdict.nodes)), 7, ink);
        line.push("  ", Ink::Plain);
        let detail = match (&verdict.example, &verdict.detail) {
            (Some(example), Some(detail)) => {
                format!("{}: {}", shown(example, 30), shown(detail, 120))
            }
            (Some(example), None) => shown(example, 40),
            (None, _) => String::new(),
        };
        if detail.is_empty() {
            line.push(shown(&verdict.verdict, 200), ink);
            lines.push(line);
            continue;
        }
        line.left(&shown(&verdict.verdict, 200), widest + 2, ink);
        let long = verdict.verdict.chars().count() > widest;
        if !long && 11 + widest + detail.chars().count() <= paper.width {
            line.push(detail, Ink::Plain);
            lines.push(line);
        } else {
            lines.push(line);
            lines.push(Line::of(format!("{}{detail}", " ".repeat(11)), Ink::Plain));
        }
    }
    lines
}

fn candidate(best: &BestReport, paper: Paper) -> Vec<Line> {
    let mut head = Line::of(
        format!("{}. {}", best.rank, shown(&best.node, 60)),
        Ink::Bold,
    );
    let from = match best.source {
        "allocatable" => "GPUs counted from status.allocatable alone".to_owned(),
        source => format!("GPUs from {source}"),
    };
    let from = format!("{from}, handed over by {}", best.hand_over);
    head.push(format!("  score {}, {from}", best.score), Ink::Plain);
    let mut lines = vec![head];
    lines.extend(devices(&best.containers));
    lines.extend(remarks(best.links, &best.warnings, paper));
    if best.predicted {
        let note = "  predicted: the device plugin may choose other GPUs";
        lines.push(Line::of(note, Ink::Yellow));
    }
    for (title, drawing) in [("before", &best.before), ("after", &best.after)] {
        lines.extend(paper.wrap(&format!("  {title:<7}{drawing}"), 9));
    }
    lines
}

/// How the GPUs are joined, and what to beware of.
fn remarks(links: Option<&str>, warnings: &[&str], paper: Paper) -> Vec<Line> {
    let links = links.map(|class| Line::of(format!("  joined: {class}"), Ink::Plain));
    let mut lines: Vec<_> = links.into_iter().collect();
    for warning in warnings {
        lines.extend(paper.wrap(&format!("  warning: {warning}"), 4));
    }
    lines
}

/// What is had of a GPU.
fn share(gpu: &DeviceReport) -> String {
    let amount = match gpu.compute_milli {
        1000 => "all of it".to_owned(),
        0 => format!("{} MiB", gpu.memory_mib),
        milli => format!("{} and {} MiB", percent(Milli(milli)), gpu.memory_mib),
    };
    match (&gpu.mig, gpu.replica_of) {
        (Some(mig), _) => format!("{} at slot {}: M[{}]", mig.profile, mig.start, mig.slots),
        (None, Some(count)) => match gpu.replicas {
            Some(several) => format!("{several} of {count} replicas"),
            None => format!("one of {count} replicas"),
        },
        (None, None) => amount,
    }
}

fn devices(containers: &[ContainerReport]) -> Vec<Line> {
    let mut lines = Vec::new();
    for container in containers {
        if let Some(kind) = &container.partition {
            let name = shown(&container.name, 30);
            let text = format!("  {name}: a {kind}, which one is the device plugin's choice");
            lines.push(Line::of(text, Ink::Plain));
        }
        for gpu in &container.gpus {
            let share = share(gpu);
            let uuid = gpu
                .uuid
                .as_ref()
                .map_or(String::new(), |uuid| format!(" ({})", shown(uuid, 44)));
            let name = shown(&container.name, 30);
            let text = format!(
                "  {name}: GPU {}{uuid}, {}, {share}",
                gpu.index,
                shown(&gpu.model, 24)
            );
            lines.push(Line::of(text, Ink::Plain));
        }
    }
    lines
}
