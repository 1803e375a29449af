//! Who was refused in one run, and why: by size, then request by request.

use std::collections::BTreeMap;
use std::sync::Arc;

use stowage_core::request::PodRequest;

use super::super::html::model::{Block, Cell, Column, Row, Table};
use super::super::packing::{SIZES, size};
use super::super::page::{asks, column, said};
use super::{number, whole};
use crate::sim::detail::{Detail, Fate, Reasons};

/// Distinct requests that are listed.
const MOST_REQUESTS: usize = 25;

/// Refusals of one class or request.
#[derive(Debug, Default)]
struct Refusals {
    arrived: u64,
    refused: u64,
    /// Refused ones that asked for a GPU.
    gpu_pods: u64,
    /// Those refused although so much GPU compute was free in all.
    in_pieces: u64,
    gpu_milli: u64,
    reasons: Reasons,
}

impl Refusals {
    fn count(&mut self, request: &PodRequest, fate: &Fate) {
        self.arrived += 1;
        let Fate::Refused {
            reasons,
            free_milli,
        } = fate
        else {
            return;
        };
        self.refused += 1;
        self.gpu_milli += request.gpu_milli();
        let asked = request.gpu_milli();
        self.gpu_pods += u64::from(asked > 0);
        self.in_pieces += u64::from(asked > 0 && *free_milli >= asked);
        for (unfit, nodes) in reasons {
            *self.reasons.entry(*unfit).or_insert(0) += nodes;
        }
    }
}

/// The section.
pub(super) fn blocks(detail: &Detail) -> Vec<Block> {
    // Pods without a GPU last.
    let mut classes: BTreeMap<usize, Refusals> = BTreeMap::new();
    let mut requests: BTreeMap<&Arc<PodRequest>, Refusals> = BTreeMap::new();
    for pod in &detail.pods {
        let class = size(pod.request.kind()).unwrap_or(SIZES.len());
        classes
            .entry(class)
            .or_default()
            .count(&pod.request, &pod.fate);
        requests
            .entry(&pod.request)
            .or_default()
            .count(&pod.request, &pod.fate);
    }
    let refused: u64 = classes.values().map(|class| class.refused).sum();
    if refused == 0 {
        return vec![Block::Text("Every pod found a place.".to_owned())];
    }
    let sum = |of: fn(&Refusals) -> u64| whole(classes.values().map(of).sum::<u64>() as usize);
    let intro = format!(
        "{} of {} pods were refused. {} of them asked for a GPU; for {} of those, as much GPU compute as \
         they asked for was free in the cluster at that moment, but nowhere in a form they could use.",
        whole(refused as usize),
        whole(detail.pods.len()),
        sum(|class| class.gpu_pods),
        sum(|class| class.in_pieces),
    );
    vec![
        Block::Text(intro),
        Block::Table(by_size(&classes)),
        Block::Folded {
            summary: "The requests that were refused most often".to_owned(),
            blocks: vec![Block::Table(by_request(&requests))],
        },
    ]
}

fn columns(first: &str) -> Vec<Column> {
    vec![
        column(first, false),
        column("Arrived", true),
        column("Refused", true),
        column("Refused, %", true),
        column("GPUs they asked for", true),
        column("What the nodes lacked", false),
    ]
}

fn row(name: String, refusals: &Refusals) -> Row {
    let percent = 100.0 * refusals.refused as f64 / refusals.arrived.max(1) as f64;
    let said = if refusals.refused == 0 {
        String::new()
    } else {
        said(&refusals.reasons)
    };
    Row {
        cells: vec![
            Cell::text(name),
            Cell::text(whole(refusals.arrived as usize)),
            Cell::text(whole(refusals.refused as usize)),
            Cell::text(number(percent, 1)),
            Cell::text(number(refusals.gpu_milli as f64 / 1000.0, 1)),
            Cell::text(said),
        ],
        strong: false,
    }
}

fn by_size(classes: &BTreeMap<usize, Refusals>) -> Table {
    let name = |class: usize| SIZES.get(class).copied().unwrap_or("no GPU").to_owned();
    Table {
        caption: "By size of the pod. A node names the first rule that fails, in the order pods, cores, host memory, GPUs; the shares are of all nodes at all these refusals.".to_owned(),
        columns: columns("Pod asks for"),
        rows: classes.iter().map(|(class, refusals)| row(name(*class), refusals)).collect(),
    }
}

fn by_request(requests: &BTreeMap<&Arc<PodRequest>, Refusals>) -> Table {
    let mut most: Vec<_> = requests
        .iter()
        .filter(|(_, refusals)| refusals.refused > 0)
        .collect();
    most.sort_by_key(|(_, refusals)| std::cmp::Reverse(refusals.refused));
    let shown = most.len().min(MOST_REQUESTS);
    let rows = most
        .iter()
        .take(shown)
        .map(|(request, refusals)| row(asks(request), refusals));
    Table {
        caption: format!(
            "{} of {} kinds of requests that were refused; pods.csv has every pod.",
            whole(shown),
            whole(most.len())
        ),
        columns: columns("Request"),
        rows: rows.collect(),
    }
}
