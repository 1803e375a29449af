//! Graphs drawn by hand, and random ones against every path tried one after the other.

use proptest::prelude::*;

use crate::topology::{Bandwidth, Closeness, Graph, Kind, Pair, PciePath, Vertex};

/// Vertices by letter: two GPUs `g` first, then what else there is.
fn kind(letter: char) -> Kind {
    match letter {
        'g' => Kind::Gpu,
        'v' => Kind::NvSwitch,
        's' => Kind::PcieSwitch,
        'b' => Kind::HostBridge,
        'n' => Kind::Numa,
        _ => Kind::Nic,
    }
}

/// What joins the GPUs 0 and 1 of a graph of `vertices` and `edges` of some GB/s.
fn drawn(vertices: &str, edges: &[(usize, usize, u32)]) -> Option<Pair> {
    let mut graph = Graph::new();
    for letter in vertices.chars() {
        graph.add(kind(letter)).expect("there is room");
    }
    for &(a, b, speed) in edges {
        let joined = graph.join(Vertex(a), Vertex(b), Bandwidth(speed * 1000));
        joined.expect("the drawing is good");
    }
    graph.layout().ok().and_then(|layout| layout.pair(0, 1))
}

#[test]
fn the_closest_path_gives_the_class_and_the_widest_the_bandwidth() {
    use Closeness::{NvLink, PcieSwitch, SameNuma};
    use PciePath::{HostBridge, Multiple, Node, Single, System};
    type Row = (
        &'static str,
        &'static [(usize, usize, u32)],
        u32,
        PciePath,
        Closeness,
    );
    let rows: [Row; 9] = [
        ("ggs", &[(0, 2, 16), (1, 2, 16)], 16, Single, PcieSwitch),
        (
            "ggss",
            &[(0, 2, 16), (1, 3, 16), (2, 3, 8)],
            8,
            Multiple,
            PcieSwitch,
        ),
        ("ggb", &[(0, 2, 16), (1, 2, 12)], 12, HostBridge, SameNuma),
        (
            "ggsb",
            &[(0, 2, 16), (2, 3, 14), (3, 1, 16)],
            14,
            HostBridge,
            SameNuma,
        ),
        ("ggn", &[(0, 2, 10), (1, 2, 10)], 10, Node, SameNuma),
        (
            "ggbbn",
            &[(0, 2, 16), (1, 3, 16), (2, 4, 9), (3, 4, 11)],
            9,
            Node,
            SameNuma,
        ),
        (
            "ggnn",
            &[(0, 2, 16), (1, 3, 16), (2, 3, 7)],
            7,
            System,
            Closeness::System,
        ),
        ("ggv", &[(0, 2, 300), (1, 2, 200)], 200, System, NvLink),
        // A narrow link beside a wide switch.
        (
            "ggs",
            &[(0, 1, 20), (0, 2, 32), (1, 2, 32)],
            32,
            Single,
            NvLink,
        ),
    ];
    for (vertices, edges, bandwidth, path, closeness) in rows {
        let pair = drawn(vertices, edges).expect("they are joined");
        let found = (pair.bandwidth, pair.path, pair.closeness());
        let expected = (Bandwidth(bandwidth * 1000), path, closeness);
        assert_eq!(found, expected, "{vertices} {edges:?}");
    }
}

#[test]
fn nothing_goes_through_a_gpu_or_a_nic() {
    assert_eq!(drawn("ggg", &[(0, 2, 50), (2, 1, 50)]), None);
    assert_eq!(drawn("ggc", &[(0, 2, 50), (2, 1, 50)]), None);
    let socket = (0, 3, 8);
    let around = [(0, 2, 50), (2, 1, 50), socket, (1, 3, 8)];
    let pair = drawn("gggn", &around).expect("they are joined by the socket");
    assert_eq!((pair.bandwidth, pair.links), (Bandwidth(8_000), 0));
}

/// The widest path by trying all: the one edge, or the widest of the ways on from a middle vertex.
fn widest(
    kinds: &[Kind],
    edges: &[(usize, usize, u32)],
    at: usize,
    to: usize,
    seen: &[usize],
) -> u32 {
    let mut best = 0;
    for &(a, b, speed) in edges {
        let next = match at {
            _ if a == at => b,
            _ if b == at => a,
            _ => continue,
        };
        let ends = matches!(kinds[next], Kind::Gpu | Kind::Nic);
        if next == to {
            best = best.max(speed);
        } else if !ends && !seen.contains(&next) {
            let seen = [seen, &[next]].concat();
            best = best.max(speed.min(widest(kinds, edges, next, to, &seen)));
        }
    }
    best
}

proptest! {
    #[test]
    fn the_widest_of_all_paths(
        others in "[gvsbnc]{0,5}",
        edges in prop::collection::vec((0_usize..8, 0_usize..8, 0_u32..6), 0..16),
    ) {
        let mut graph = Graph::new();
        let kinds: Vec<_> = "gg".chars().chain(others.chars()).map(kind).collect();
        for &kind in &kinds {
            graph.add(kind).expect("there is room");
        }
        // What is refused is as if it had not been said.
        let mut good = Vec::new();
        for (a, b, speed) in edges {
            if graph.join(Vertex(a), Vertex(b), Bandwidth(speed)).is_ok() {
                good.push((a, b, speed));
            }
        }
        let gpus: Vec<_> = (0..kinds.len()).filter(|&v| kinds[v] == Kind::Gpu).collect();
        let speeds = |a: usize| {
            let (gpus, kinds, good) = (&gpus, &kinds, &good);
            (0..a).map(move |b| widest(kinds, good, gpus[a], gpus[b], &[gpus[a]]))
        };
        let all: Vec<_> = (0..gpus.len()).flat_map(speeds).collect();
        match graph.layout() {
            Err(_) => prop_assert!(all.contains(&0), "all are joined: {:?}", all),
            Ok(layout) => {
                let pairs = (0..gpus.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
                let found = pairs.filter_map(|(a, b)| layout.pair(a, b));
                let found: Vec<_> = found.map(|pair| pair.bandwidth.0).collect();
                prop_assert_eq!(found, all);
            }
        }
    }
}
