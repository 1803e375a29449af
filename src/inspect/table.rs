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
    let [first, second] = headline(inspection);
    let mut lines = vec![Line::of(first, Ink::Bold)];
    lines.extend(paper.wrap(&second, 2));
    if inspection.totals.gpu_nodes > 0 {
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
        lines.extend(pending(&inspection.pending, paper));
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

/// Two lines: GPUs, then everything else.
fn headline(inspection: &Inspection) -> [String; 2] {
    let totals = &inspection.totals;
    let nodes = count(totals.nodes as u64, "node");
    let mut first = format!("{nodes}, {}", count(totals.gpus as u64, "GPU"));
    let mut second = String::new();
    if totals.gpus > 0 {
        let percent = totals.allocated_milli / totals.gpus as u64;
        let (allocated, free) = (gpus(totals.allocated_milli), gpus(totals.free_milli));
        let (part, idle) = (percent % 10, grouped(totals.idle_gpus as u64));
        let percent = percent / 10;
        let text = format!(": {allocated} allocated ({percent}.{part}%), {free} free, {idle} idle");
        first.push_str(&text);
        let (free, all) = (gib(totals.free_gpu_memory_mib), gib(totals.gpu_memory_mib));
        second = match totals.gpu_memory_mib {
            0 => "GPU memory: not known; ".to_owned(),
            _ => format!("GPU memory: {free} of {all} free; "),
        };
    }
    let pods = count(totals.pods_bound as u64, "pod");
    let pending = grouped(totals.pods_pending as u64);
    second.push_str(&format!("{pods} on nodes, {pending} pending"));
    if totals.pods_elsewhere > 0 {
        let elsewhere = grouped(totals.pods_elsewhere as u64);
        second.push_str(&format!(", {elsewhere} on nodes that are not here"));
    }
    [first, second]
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
        let some = match milli {
            1..50 => "<0.1".to_owned(),
            milli => gpus(milli),
        };
        line.right(&some, 9, ink);
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
    let asks = inspection.shapes.iter().map(|shape| shown(&shape.asks, 44));
    let asks: Vec<_> = asks.collect();
    let widest = asks.iter().map(|text| text.chars().count()).max();
    let widest = widest.unwrap_or(0).max(13);
    let mut head = Line::default();
    for (title, size) in [("more", 9), ("pods", 8)] {
        head.right(title, size, Ink::Dim);
    }
    head.push("  ", Ink::Plain);
    head.left("each asks for", widest + 2, Ink::Dim);
    head.left("GPU nodes", 16, Ink::Dim);
    head.push("like", Ink::Dim);
    lines.push(head);
    let gpu_nodes = grouped(inspection.totals.gpu_nodes as u64);
    for (shape, asks) in inspection.shapes.iter().zip(&asks) {
        let ink = match shape.more {
            0 => Ink::Yellow,
            _ => Ink::Green,
        };
        let mut line = Line::default();
        line.right(&fits(shape), 9, ink);
        line.right(
            &grouped(u64::from(shape.bound + shape.pending)),
            8,
            Ink::Plain,
        );
        line.push("  ", Ink::Plain);
        line.left(asks, widest + 2, Ink::Plain);
        let nodes = grouped(u64::from(shape.nodes));
        line.left(&format!("{nodes} of {gpu_nodes}"), 16, Ink::Plain);
        line.push(shown(&shape.example, 40), Ink::Dim);
        lines.push(line);
        if let (0, Some(first)) = (shape.more, shape.refusals.first()) {
            let nodes = count(u64::from(first.nodes), "node");
            let why = format!("{}none: {} ({nodes})", " ".repeat(19), first.reason);
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
fn pending(pods: &[PendingReport], paper: Paper) -> Vec<Line> {
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
        let mut name = format!("  {}", shown(&pod.pod, 40));
        if *more > 0 {
            name.push_str(&format!(" and {} alike", grouped(*more)));
        }
        let asks = format!(" ({})", shown(&pod.asks, 60));
        let verdict = format!(": {}", shown(&pod.verdict, 200));
        let ink = match pod.nodes {
            0 => Ink::Yellow,
            _ => Ink::Green,
        };
        let length: usize = [&name, &asks, &verdict]
            .map(|text| text.chars().count())
            .iter()
            .sum();
        let mut line = Line::of(name, Ink::Plain);
        // Where there is no room for both, the verdict matters more.
        if !pod.asks.is_empty() && length <= paper.width {
            line.push(asks, Ink::Dim);
        }
        line.push(verdict, ink);
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
