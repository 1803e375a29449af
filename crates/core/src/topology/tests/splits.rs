//! The device plugin's policy: the expectations of its own tests, and every split tried one by one.

use super::{BRIDGED, boards, from_bits, matrix, rtx8000, set};
use crate::gpu::DeviceSet;
use crate::topology::{Board, Layout, PciePath, predicted};

/// Takes sets of one size after the other from all of a board.
fn sequence(layout: &Layout, size: usize) -> Vec<Vec<usize>> {
    let mut free = layout.devices();
    let mut taken = Vec::new();
    while free.len() >= size {
        let next = predicted(layout, free, size);
        free = free.minus(next);
        taken.push(next.iter().collect());
    }
    taken
}

/// Source: `TestBestEffortDGX1VoltaGPUAlloc*` of NVIDIA/go-gpuallocator.
#[test]
fn a_dgx1_is_given_out_as_in_the_source() {
    let dgx1 = Board::Dgx1V100.layout();
    let pairs = [[0, 3], [1, 2], [4, 7], [5, 6]];
    assert_eq!(sequence(&dgx1, 2), pairs);
    assert_eq!(sequence(&dgx1, 4), [[0, 1, 2, 3], [4, 5, 6, 7]]);
    assert_eq!(sequence(&dgx1, 8), [[0, 1, 2, 3, 4, 5, 6, 7]]);
    assert_eq!(sequence(&dgx1, 1).concat(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

/// Source: `TestBestEffortAllocate` there.
#[test]
fn what_is_left_over_counts() {
    let dgx1 = Board::Dgx1V100.layout();
    let rows: [(&[usize], [usize; 2]); 4] = [
        (&[0, 2, 4, 5], [4, 5]),
        (&[0, 4, 5, 6], [5, 6]),
        (&[0, 1, 3], [0, 3]),
        (&[0, 1, 4], [0, 4]),
    ];
    for (free, expected) in rows {
        let found = predicted(&dgx1, set(free), 2);
        assert_eq!(found, set(&expected), "2 of {free:?}");
    }
}

/// Source: `TestBestEffort4xRTX8000GPUAlloc*` there.
#[test]
fn bridges_are_used() {
    assert_eq!(sequence(&rtx8000(), 2), [[0, 3], [1, 2]]);
    assert_eq!(sequence(&rtx8000(), 4), [[0, 1, 2, 3]]);
}

#[test]
fn nvswitches_are_not_seen() {
    // Across the sockets is as good as within one, but the policy knows the PCIe side alone.
    let hgx = Board::HgxH100.layout();
    assert_eq!(predicted(&hgx, set(&[0, 4, 5]), 2), set(&[4, 5]));
}

#[test]
fn too_few_or_none_is_no_prediction() {
    let dgx1 = Board::Dgx1V100.layout();
    assert!(predicted(&dgx1, set(&[0, 1]), 3).is_empty());
    assert!(predicted(&dgx1, set(&[0, 1]), 0).is_empty());
    assert!(predicted(&dgx1, set(&[9, 30]), 1).is_empty());
    let large = Layout::unknown(20).expect("20 are not too many");
    assert_eq!(predicted(&large, large.devices(), 3), set(&[0, 1, 2]));
}

type Group = Vec<Option<usize>>;

/// All splits of `devices`, where `None` is filling, in the order of the source.
fn splits(devices: &[Option<usize>], n: usize, filling: usize) -> Vec<Vec<Group>> {
    if devices.len() == n {
        return vec![vec![devices.to_vec()]];
    }
    let mut all = Vec::new();
    for more in groups(&devices[1..], n - 1) {
        let mut group = vec![devices[0]];
        group.extend(more);
        let filled = group.iter().filter(|device| device.is_none()).count();
        if filled == 0 || filled == filling {
            let rest = devices.iter().copied().filter(|d| !group.contains(d));
            let rest: Vec<_> = rest.collect();
            for mut split in splits(&rest, n, filling) {
                split.insert(0, group.clone());
                all.push(split);
            }
        }
    }
    all
}

fn groups(of: &[Option<usize>], n: usize) -> Vec<Group> {
    match (n, of) {
        (0, _) => vec![Vec::new()],
        (_, []) => Vec::new(),
        (_, [first, rest @ ..]) => {
            let with = groups(rest, n - 1).into_iter();
            let with = with.map(|group| [vec![*first], group].concat());
            with.chain(groups(rest, n)).collect()
        }
    }
}

fn score(layout: &Layout, group: &Group) -> u32 {
    let mut sum = 0;
    let devices: Vec<_> = group.iter().flatten().collect();
    for (i, &&a) in devices.iter().enumerate() {
        for &&b in &devices[..i] {
            let pair = layout.pair(a, b).expect("they are two");
            let paths = [
                (PciePath::Single, 50),
                (PciePath::Multiple, 40),
                (PciePath::HostBridge, 30),
                (PciePath::Node, 20),
                (PciePath::System, 10),
            ];
            let path = paths.iter().find(|(path, _)| *path == pair.path);
            sum += path.expect("the boards have no other").1;
            sum += 100 * u32::from(pair.links);
        }
    }
    sum
}

/// The first of the highest, as a loop with `>` finds it.
fn first_max<T: Clone>(of: &[T], by: impl Fn(&T) -> u32) -> Option<T> {
    let most = of.iter().map(&by).max()?;
    of.iter().find(|&it| by(it) == most).cloned()
}

/// What the source chooses, split by split.
fn expected(layout: &Layout, free: DeviceSet, n: usize) -> DeviceSet {
    let mut devices: Vec<_> = free.iter().map(Some).collect();
    let filling = devices.len().next_multiple_of(n) - devices.len();
    devices.extend(vec![None; filling]);
    let splits = splits(&devices, n, filling);
    let sum = |split: &Vec<Group>| split.iter().map(|g| score(layout, g)).sum();
    let split = first_max(&splits, sum).expect("there is a split");
    let whole: Vec<_> = split.into_iter().filter(|g| !g.contains(&None)).collect();
    let group = first_max(&whole, |g| score(layout, g)).expect("one is whole");
    group.into_iter().flatten().collect()
}

#[test]
fn every_split_of_every_free_set() {
    for (name, layout) in boards() {
        for free in (0..1 << layout.gpus()).map(from_bits) {
            for n in 2..=free.len() {
                let found = predicted(&layout, free, n);
                let expected = expected(&layout, free, n);
                assert_eq!(found, expected, "{n} of {free:?} of {name}");
            }
        }
    }
}

/// Too many GPUs for a table, and most of them could be swapped without a difference.
#[test]
fn every_split_of_nine_behind_three_switches() {
    let layout = matrix(
        BRIDGED,
        "X    PXB  PXB  NODE NODE NODE SYS  SYS  SYS
         PXB  X    PXB  NODE NODE NODE SYS  SYS  SYS
         PXB  PXB  X    NODE NODE NODE SYS  SYS  SYS
         NODE NODE NODE X    PIX  PIX  SYS  SYS  SYS
         NODE NODE NODE PIX  X    PIX  SYS  SYS  SYS
         NODE NODE NODE PIX  PIX  X    SYS  SYS  SYS
         SYS  SYS  SYS  SYS  SYS  SYS  X    PIX  NODE
         SYS  SYS  SYS  SYS  SYS  SYS  PIX  X    NODE
         SYS  SYS  SYS  SYS  SYS  SYS  NODE NODE X",
    );
    let sparse = (0..1 << 9).filter(|bits| bits % 5 == 1 || bits + 1 == 1 << 9);
    for free in sparse.map(from_bits) {
        for n in 2..=free.len() {
            let found = predicted(&layout, free, n);
            assert_eq!(found, expected(&layout, free, n), "{n} of {free:?}");
        }
    }
}
