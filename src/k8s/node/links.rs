//! How the devices of a node are joined: as the inventory lists it, else by the machine where there is
//! but one that it can be.
//!
//! A list of links that is empty says nothing, except that devices of one NUMA node are closer than
//! others. Bonded links of one GPU to more others than it has links lead into switches, as in
//! `Layout::from_matrix`.

use std::sync::{Arc, OnceLock};

use stowage_core::gpu::Gpu;
use stowage_core::topology::{
    Board as Machine, Hop, Layout, Link, MOST_GPUS, PciePath, Speeds, TopologyError,
};

use crate::k8s::boards;
use crate::k8s::inventory::{self, Inventory, LinkEntry};
use crate::k8s::problem::Wrong;

/// The links of `machine`, if it has as many devices as there are: of a machine that lacks one, nobody
/// knows which.
pub(super) fn of_machine(machine: Machine, devices: usize) -> Option<Arc<Layout>> {
    static ALL: OnceLock<Vec<Arc<Layout>>> = OnceLock::new();
    let layouts = Machine::ALL
        .iter()
        .map(|machine| Arc::new(machine.layout()));
    let all = ALL.get_or_init(|| layouts.collect());
    let at = Machine::ALL.iter().position(|&known| known == machine)?;
    all.get(at)
        .filter(|layout| layout.gpus() == devices)
        .cloned()
}

/// The links that `inventory` lists between `gpus`; none if it lists none, or if nobody knows how fast
/// they are.
pub(super) fn listed(inventory: &Inventory, gpus: &[Gpu]) -> Result<Option<Arc<Layout>>, Wrong> {
    let links = inventory.links.iter().enumerate();
    let links = links.map(|(at, link)| read(at, link, gpus.len()));
    let mut links: Vec<Link> = links.collect::<Result<_, _>>()?;
    switch(&mut links, gpus.len());
    add_numa(&mut links, inventory);
    let known = gpus
        .first()
        .and_then(|gpu| boards::speeds(gpu.model.as_str()));
    // The links are looked at even if nobody knows how fast they are.
    let any = boards::speeds("A100-80GB");
    let Some(speeds) = known.or(any).filter(|_| !links.is_empty()) else {
        return Ok(None);
    };
    let layout = Layout::from_links(gpus.len(), speeds, &links).map_err(said)?;
    Ok(known
        .filter(|&speeds| alike(speeds, gpus))
        .map(|_| Arc::new(layout)))
}

/// Whether all devices have links of such `speeds`.
fn alike(speeds: Speeds, gpus: &[Gpu]) -> bool {
    let same = |gpu: &Gpu| boards::speeds(gpu.model.as_str()) == Some(speeds);
    gpus.iter().all(same)
}

fn field(at: usize, part: &str) -> String {
    format!("{}: links[{at}].{part}", inventory::FIELD)
}

fn read(at: usize, link: &LinkEntry, devices: usize) -> Result<Link, Wrong> {
    for (name, end) in [("a", link.a), ("b", link.b)] {
        if end as usize >= devices {
            let expected = "the index of a device";
            return Err(Wrong::said(field(at, name), expected, end.to_string()));
        }
    }
    let expected = "NV1 to NV18, PIX, PXB, PHB, NODE or SYS";
    let wrong = |_| Wrong::value(field(at, "link"), expected, &link.link);
    let hop: Hop = link.link.parse().map_err(wrong)?;
    Ok((link.a as usize, link.b as usize, hop))
}

/// Says of NVLinks that they lead into switches where a GPU seems to have more than any GPU has.
fn switch(links: &mut [Link], devices: usize) {
    let mut counts = vec![0_u32; devices];
    for &(a, b, hop) in links.iter() {
        if let Hop::NvLink(count) = hop {
            counts[a] += u32::from(count);
            counts[b] += u32::from(count);
        }
    }
    let many = |device: usize| counts[device] > u32::from(Hop::MOST_LINKS);
    for (a, b, hop) in links {
        if let Hop::NvLink(count) = *hop
            && (many(*a) || many(*b))
        {
            *hop = Hop::NvSwitch(count);
        }
    }
}

/// Adds that two devices are at one NUMA node, where every device says at which it is and no closer
/// path is listed.
fn add_numa(links: &mut Vec<Link>, inventory: &Inventory) {
    let nodes = inventory.devices.iter();
    let nodes: Option<Vec<i32>> = nodes.map(|d| d.numa.filter(|&numa| numa >= 0)).collect();
    let Some(nodes) = nodes.filter(|nodes| nodes.len() <= MOST_GPUS) else {
        return;
    };
    // All at one node: that tells no two of them apart.
    if links.is_empty() && nodes.windows(2).all(|pair| pair[0] == pair[1]) {
        return;
    }
    let mut paths = [[false; MOST_GPUS]; MOST_GPUS];
    for &(a, b, hop) in links.iter() {
        if matches!(hop, Hop::Pcie(_)) {
            paths[a.min(b)][a.max(b)] = true;
        }
    }
    for (high, node) in nodes.iter().enumerate() {
        for low in (0..high).filter(|&low| nodes[low] == *node && !paths[low][high]) {
            links.push((low, high, Hop::Pcie(PciePath::Node)));
        }
    }
}

fn said(error: TopologyError) -> Wrong {
    let field = format!("{}: links", inventory::FIELD);
    match error {
        TopologyError::Gpus(count) => {
            let expected = format!("at most {MOST_GPUS} devices where links are listed");
            Wrong::said(field, expected, count.to_string())
        }
        TopologyError::Itself(device) => Wrong::said(
            field,
            "links between two devices",
            format!("{device} twice"),
        ),
        TopologyError::Twice(a, b) => {
            let expected = "one NVLink and one PCIe path between two devices";
            Wrong::said(field, expected, format!("another between {a} and {b}"))
        }
        other => Wrong::said(field, "links that can be", other.to_string()),
    }
}
