//! What `stowage inspect` found, as people read it: the map, then sums, what is stranded, what still
//! fits, and who waits.

use super::chart;
use super::paper::{Ink, Line, Paper};
use super::report::{Inspection, PendingReport, ShapeReport};
use super::words::{count, gib, gpus, grouped, shown};

/// Most pods that wait and are listed.
const MOST_PENDING: usize = 20;

/// The whole text.
#[must_use]
pub fn table(inspection: &Inspection, paper: Paper) -> String {
    let mut lines = paper.wrap(&headline(inspection), 2);
    if inspection.totals.gpus > 0 {
        lines.push(Line::default());
        lines.extend(chart::lines(inspection, paper));
        lines.push(Line::default());
        lines.extend(stranded(inspection));
    }
    if !inspection.shapes.is_empty() {
        lines.push(Line::default());
        lines.extend(more(inspection, paper));
    }
    if !inspection.pending.is_empty() {
        lines.push(Line::default());
        lines.extend(pending(&inspection.pending));
    }
    if !inspection.unmodelled.is_empty() {
        let demands = inspection.unmodelled.iter();
        let demands =
            demands.map(|d| format!("{} ({})", d.demand, count(u64::from(d.pods), "pod")));
        let demands: Vec<_> = demands.collect();
        lines.push(Line::default());
        lines.extend(paper.wrap(&format!("Not judged here: {}.", demands.join(", ")), 2));
    }
    paper.print(&lines)
}

fn headline(inspection: &Inspection) -> String {
    let totals = &inspection.totals;
    let nodes = count(totals.nodes as u64, "node");
    let pods = count(totals.pods_bound as u64, "pod");
    let mut text = format!("{nodes}, {}", count(totals.gpus as u64, "GPU"));
    if totals.gpus > 0 {
        let percent = totals.allocated_milli / totals.gpus as u64;
        text.push_str(&format!(
            ": {} allocated ({}.{}%), {} free, {} idle; {} of {} GPU memory free",
            gpus(totals.allocated_milli),
            percent / 10,
            percent % 10,
            gpus(totals.free_milli),
            grouped(totals.idle_gpus as u64),
            gib(totals.free_gpu_memory_mib),
            gib(totals.gpu_memory_mib),
        ));
    }
    text.push_str(&format!(
        "; {pods}, {} pending",
        grouped(totals.pods_pending as u64)
    ));
    if totals.pods_elsewhere > 0 {
        text.push_str(&format!(
            ", {} on nodes that are not here",
            grouped(totals.pods_elsewhere as u64)
        ));
    }
    text
}

fn stranded(inspection: &Inspection) -> Vec<Line> {
    let found = &inspection.stranded;
    let lost = found.free_milli - found.usable_milli;
    let title = format!(
        "Stranded: {} of {} free GPUs",
        gpus(lost),
        gpus(found.free_milli)
    );
    let mut lines = vec![Line::of(title, Ink::Bold)];
    let usable = ("usable by the shapes below", found.usable_milli, Ink::Green);
    let causes = found
        .causes
        .iter()
        .map(|cause| (cause.meaning, cause.milli, Ink::Yellow));
    for (meaning, milli, ink) in std::iter::once(usable).chain(causes) {
        let mut line = Line::default();
        line.right(&gpus(milli), 9, ink);
        line.push(format!("  {meaning}"), Ink::Plain);
        lines.push(line);
    }
    lines
}

fn more(inspection: &Inspection, paper: Paper) -> Vec<Line> {
    let title = format!(
        "How many more fit, each shape alone (strategy {})",
        inspection.strategy
    );
    let mut lines = vec![Line::of(title, Ink::Bold)];
    let asks: Vec<_> = inspection
        .shapes
        .iter()
        .map(|shape| shown(&shape.asks, 48))
        .collect();
    let widest = asks
        .iter()
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(0);
    let mut head = Line::default();
    for (title, size) in [("more", 9), ("pods", 8)] {
        head.right(title, size, Ink::Dim);
    }
    head.push("  ", Ink::Plain);
    head.left("each asks for", widest + 2, Ink::Dim);
    head.push("nodes", Ink::Dim);
    lines.push(head);
    let gpu_nodes = inspection.totals.gpu_nodes;
    for (shape, asks) in inspection.shapes.iter().zip(&asks) {
        let mut line = Line::default();
        let ink = if shape.more == 0 {
            Ink::Yellow
        } else {
            Ink::Green
        };
        line.right(&fits(shape), 9, ink);
        line.right(
            &grouped(u64::from(shape.bound + shape.pending)),
            8,
            Ink::Plain,
        );
        line.push("  ", Ink::Plain);
        line.left(asks, widest + 2, Ink::Plain);
        line.push(format!("{} of {gpu_nodes}", shape.nodes), Ink::Plain);
        lines.push(line);
        if let (0, Some(first)) = (shape.more, shape.refusals.first()) {
            let why = format!(
                "{}none: {} ({})",
                " ".repeat(19),
                first.reason,
                count(u64::from(first.nodes), "node")
            );
            lines.push(Line::of(shown(&why, paper.width), Ink::Dim));
        }
    }
    lines
}

fn fits(shape: &ShapeReport) -> String {
    let plus = if shape.more_capped { "+" } else { "" };
    format!("{}{plus}", shape.more)
}

/// One line a pod; where there are many, pods with the same request and verdict share one.
fn pending(pods: &[PendingReport]) -> Vec<Line> {
    let mut lines = vec![Line::of(
        format!("Pending: {}", grouped(pods.len() as u64)),
        Ink::Bold,
    )];
    let alike = |a: &PendingReport, b: &PendingReport| {
        pods.len() > MOST_PENDING && (&a.asks, &a.verdict) == (&b.asks, &b.verdict)
    };
    let mut folded: Vec<(&PendingReport, u64)> = Vec::new();
    for pod in pods {
        match folded.iter_mut().find(|(first, _)| alike(first, pod)) {
            Some((_, more)) => *more += 1,
            None => folded.push((pod, 0)),
        }
    }
    for (pod, more) in folded.iter().take(MOST_PENDING) {
        let mut line = Line::of(format!("  {}", shown(&pod.pod, 40)), Ink::Plain);
        if *more > 0 {
            line.push(format!(" and {} alike", grouped(*more)), Ink::Plain);
        }
        if !pod.asks.is_empty() {
            line.push(format!(" ({})", shown(&pod.asks, 60)), Ink::Dim);
        }
        let ink = if pod.nodes == 0 {
            Ink::Yellow
        } else {
            Ink::Green
        };
        line.push(format!(": {}", shown(&pod.verdict, 200)), ink);
        lines.push(line);
    }
    if folded.len() > MOST_PENDING {
        let rest = folded[MOST_PENDING..]
            .iter()
            .map(|(_, more)| more + 1)
            .sum();
        lines.push(Line::of(
            format!("  ... and {} more", grouped(rest)),
            Ink::Dim,
        ));
    }
    lines
}
