//! Sizes of Azure's virtual machines with GPUs, `data/azure-gpu-sizes.csv`: what a node has whose GPUs
//! no feature discovery describes. Other clouds' sizes are not in it, and tell nothing.
//!
//! Compiled from Azure's size pages: the board under Stowage's name, how many, MiB of each as drivers
//! report it (nominal for a fraction of a board), and the machine where its links are certain. A
//! fraction of a GPU is a small GPU of its own name, as the virtual machine sees it.

use std::sync::OnceLock;

use stowage_core::gpu::Vendor;
use stowage_core::topology::Board as Machine;
use stowage_core::units::Mebibytes;

use super::object::NodeObject;

const TABLE: &str = include_str!("../../../data/azure-gpu-sizes.csv");
const HEADER: &str = "vm_size,vendor,board,gpus,memory_mib,machine";

/// Where a node says its size; the second is the older form.
pub(super) const LABELS: [&str; 2] = [
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
];

const MACHINES: [(&str, Machine); 4] = [
    ("dgx1-v100", Machine::Dgx1V100),
    ("hgx-a100", Machine::HgxA100),
    ("hgx-h100", Machine::HgxH100),
    ("mi300x", Machine::Mi300x),
];

/// One size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) name: &'static str,
    pub(super) vendor: Vendor,
    pub(super) board: &'static str,
    pub(super) gpus: u64,
    pub(super) memory: Mebibytes,
    pub(super) machine: Option<Machine>,
}

/// The size of `node`, if it says one that is known.
pub(super) fn of(node: &NodeObject<'_>) -> Option<&'static Size> {
    let labels = &node.metadata.labels;
    let name = LABELS.iter().find_map(|label| labels.get(label))?;
    // Azure compares names of sizes without regard to case, and passes on what the user wrote.
    let same = |size: &&Size| size.name.eq_ignore_ascii_case(name);
    all().iter().find(same)
}

fn all() -> &'static [Size] {
    static ALL: OnceLock<Vec<Size>> = OnceLock::new();
    // A test reads every row, so what is built in cannot be wrong.
    ALL.get_or_init(|| read(TABLE).unwrap_or_default())
}

/// The sizes of a table; none if a row is wrong.
fn read(text: &'static str) -> Option<Vec<Size>> {
    let rows = text.strip_prefix(HEADER)?.strip_prefix('\n')?;
    rows.lines().map(row).collect()
}

fn row(line: &'static str) -> Option<Size> {
    let fields: Vec<&'static str> = line.split(',').collect();
    let [name, vendor, board, gpus, memory, machine] = fields[..] else {
        return None;
    };
    let known = MACHINES.iter().find(|(name, _)| *name == machine);
    (machine.is_empty() || known.is_some()).then_some(())?;
    Some(Size {
        name,
        vendor: match vendor {
            "nvidia" => Vendor::Nvidia,
            "amd" => Vendor::Amd,
            _ => return None,
        },
        board,
        gpus: gpus.parse().ok().filter(|&gpus| gpus > 0)?,
        memory: Mebibytes(memory.parse().ok().filter(|&mib| mib > 0)?),
        machine: known.map(|&(_, machine)| machine),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_size_of_its_own() {
        let sizes = read(TABLE).expect("every row is well formed");
        assert_eq!(sizes.len(), TABLE.lines().count() - 1);
        assert_eq!(sizes.len(), 46);
        for (at, size) in sizes.iter().enumerate() {
            let again = |other: &Size| other.name.eq_ignore_ascii_case(size.name);
            assert!(!sizes[..at].iter().any(again), "{}", size.name);
            let (model, gb) = size.board.split_once('-').expect("a model and its memory");
            assert!(!model.is_empty() && gb.ends_with("GB"), "{}", size.board);
            if let Some(machine) = size.machine {
                assert_eq!(machine.layout().gpus() as u64, size.gpus, "{}", size.name);
            }
        }
    }

    #[test]
    fn rows_that_are_wrong_are_no_table() {
        let rows = [
            "a,nvidia,T4-16GB,1,15360",
            "a,nvidia,T4-16GB,0,15360,",
            "a,nvidia,T4-16GB,1,-1,",
            "a,matrox,T4-16GB,1,15360,",
            "a,nvidia,T4-16GB,1,15360,moon",
        ];
        assert!(rows.into_iter().all(|line| row(line).is_none()));
        assert_eq!(read("vm_size\n"), None);
    }
}
