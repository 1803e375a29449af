//! From links to layouts, and links that cannot be.

use super::super::MOST_GPUS;
use super::{BRIDGED, matrix, rtx8000};
use crate::topology::{
    Bandwidth, Board, Closeness, Graph, Hop, Kind, Layout, MAX_OTHERS, Pair, PciePath,
    TopologyError, Vertex,
};

fn pair(board: Board, a: usize, b: usize) -> (u32, PciePath, Closeness) {
    let pair = board.layout().pair(a, b).expect("they are two");
    (pair.bandwidth.0, pair.path, pair.closeness())
}

#[test]
fn a_cube_mesh_has_links_and_paths() {
    use Closeness::NvLink;
    let expected = [
        ((0, 3), (50_000, PciePath::HostBridge, NvLink)),
        ((0, 1), (25_000, PciePath::Single, NvLink)),
        ((0, 4), (50_000, PciePath::System, NvLink)),
        // Not over GPU 1 or 4: NVLink does not forward.
        ((0, 5), (8_000, PciePath::System, Closeness::System)),
    ];
    for ((a, b), expected) in expected {
        assert_eq!(pair(Board::Dgx1V100, a, b), expected, "{a} and {b}");
        assert_eq!(pair(Board::Dgx1V100, b, a), expected, "{b} and {a}");
    }
    let cube = Board::Dgx1V100.layout();
    for a in 0..8 {
        let links = (0..8).filter_map(|b| cube.pair(a, b)).map(|p| p.links);
        assert_eq!(links.sum::<u8>(), 6, "links of GPU {a}");
    }
}

#[test]
fn pcie_gets_slower_with_distance() {
    let board = Board::TwoSocketPcie;
    let switch = (32_000, PciePath::Single, Closeness::PcieSwitch);
    assert_eq!(pair(board, 0, 1), switch);
    let socket = (20_000, PciePath::Node, Closeness::SameNuma);
    assert_eq!(pair(board, 0, 2), socket);
    let across = (16_000, PciePath::System, Closeness::System);
    assert_eq!(pair(board, 0, 4), across);
}

#[test]
fn switches_and_meshes_are_uniform() {
    let uniform = [
        Board::HgxA100,
        Board::HgxH100,
        Board::HgxB200,
        Board::Mi300x,
    ];
    for board in Board::ALL {
        let layout = board.layout();
        assert_eq!(layout.is_uniform(), uniform.contains(&board), "{board:?}");
        assert_eq!(
            layout.gpus(),
            if board == Board::BridgedQuad { 4 } else { 8 }
        );
    }
    let (speed, _, closeness) = pair(Board::HgxH100, 0, 7);
    assert_eq!((speed, closeness), (18 * 26_562, Closeness::NvLink));
    let h100 = Board::HgxH100.layout().pair(0, 7).expect("they are two");
    assert_eq!((h100.links, h100.switched), (0, true));
    assert!(Layout::unknown(0).expect("none").is_uniform());
}

#[test]
fn a_matrix_and_a_graph_of_one_machine_agree() {
    let drawn = matrix(
        BRIDGED,
        "X    PIX  NODE NODE SYS  SYS  SYS  SYS
         PIX  X    NODE NODE SYS  SYS  SYS  SYS
         NODE NODE X    PIX  SYS  SYS  SYS  SYS
         NODE NODE PIX  X    SYS  SYS  SYS  SYS
         SYS  SYS  SYS  SYS  X    PIX  NODE NODE
         SYS  SYS  SYS  SYS  PIX  X    NODE NODE
         SYS  SYS  SYS  SYS  NODE NODE X    PIX
         SYS  SYS  SYS  SYS  NODE NODE PIX  X",
    );
    assert_eq!(drawn, Board::TwoSocketPcie.layout());
    assert_ne!(drawn, Board::Dgx1V100.layout());
}

#[test]
fn more_links_than_a_gpu_has_go_through_switches() {
    let row = |i| (0..8).map(move |j| (i != j).then_some(Hop::NvLink(12)));
    let rows: Vec<Vec<_>> = (0..8).map(|i| row(i).collect()).collect();
    let layout = Layout::from_matrix(BRIDGED, &rows).expect("it is a matrix");
    let switched = layout.pair(0, 1).expect("they are two");
    assert_eq!((switched.links, switched.switched), (0, true));
    let bridged = rtx8000().pair(0, 3).expect("they are two");
    assert_eq!((bridged.links, bridged.switched), (2, false));
}

#[test]
fn links_that_cannot_be_are_refused() {
    use TopologyError as E;
    let pix = Hop::Pcie(PciePath::Single);
    let links = |gpus, links: &[_]| Layout::from_links(gpus, BRIDGED, links);
    assert_eq!(links(2, &[(0, 0, pix)]), Err(E::Itself(0)));
    let unknown = E::Unknown {
        vertex: 2,
        count: 2,
    };
    assert_eq!(links(2, &[(0, 2, pix)]), Err(unknown));
    let twice = [(0, 1, pix), (1, 0, pix)];
    assert_eq!(links(2, &twice), Err(E::Twice(1, 0)));
    let bonded = links(2, &[(0, 1, Hop::NvLink(0))]);
    assert_eq!(bonded, Err(E::Bonded(0)));
    assert_eq!(links(33, &[]), Err(E::Gpus(33)));
    assert_eq!(links(MOST_GPUS, &[]).map(|l| l.gpus()), Ok(MOST_GPUS));
    let mut still = BRIDGED;
    still.link = Bandwidth(0);
    let still = Layout::from_links(2, still, &[]);
    assert_eq!(still, Err(E::Bandwidth(Bandwidth(0))));
    let uniform = Layout::uniform(
        2,
        Pair {
            bandwidth: Bandwidth(u32::MAX),
            ..Pair::UNKNOWN
        },
    );
    assert_eq!(uniform, Err(E::Bandwidth(Bandwidth(u32::MAX))));
}

#[test]
fn matrices_that_cannot_be_are_refused() {
    use TopologyError as E;
    let (sys, pix) = (Hop::Pcie(PciePath::System), Hop::Pcie(PciePath::Single));
    let matrix = |rows: &[Vec<_>]| Layout::from_matrix(BRIDGED, rows);
    let short = matrix(&[vec![None, Some(sys)], vec![Some(sys)]]);
    let square = E::Square {
        row: 1,
        rows: 2,
        cells: 1,
    };
    assert_eq!(short, Err(square));
    let differ = matrix(&[vec![None, Some(sys)], vec![Some(pix), None]]);
    assert_eq!(differ, Err(E::Asymmetric(0, 1)));
    let diagonal = matrix(&[vec![None, Some(sys)], vec![Some(sys), Some(sys)]]);
    assert_eq!(diagonal, Err(E::Cell(1, 1)));
    let hole = matrix(&[vec![None, None], vec![None, None]]);
    assert_eq!(hole, Err(E::Cell(1, 0)));
    for word in ["NV", "NV0", "NV19", "NV+2", "NV300", "X", "pix", ""] {
        let error = word.parse::<Hop>().expect_err("it is no link");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("link {word:?}: expected NV1 to NV18")),
            "{text}"
        );
    }
}

#[test]
fn graphs_that_cannot_be_are_refused() {
    use TopologyError as E;
    let mut graph = Graph::new();
    let fast = Bandwidth::NVLINK2;
    let mut gpu = || graph.add(Kind::Gpu).expect("there is room");
    let (a, b) = (gpu(), gpu());
    assert_eq!(graph.layout(), Err(E::Apart(0, 1)));
    assert_eq!(graph.join(a, a, fast), Err(E::Itself(0)));
    let unknown = E::Unknown {
        vertex: 9,
        count: 2,
    };
    assert_eq!(graph.join(a, Vertex(9), fast), Err(unknown));
    let (zero, much) = (Bandwidth(0), Bandwidth(8_000_001));
    assert_eq!(graph.join(a, b, zero), Err(E::Bandwidth(zero)));
    assert_eq!(graph.join(a, b, much), Err(E::Bandwidth(much)));
    assert_eq!(graph.bond(a, b, fast, 19), Err(E::Bonded(19)));
    assert_eq!(graph.bond(a, b, fast, 2), Ok(()));
    assert_eq!(graph.join(b, a, fast), Err(E::Twice(1, 0)));
    assert_eq!(graph.layout().map(|layout| layout.gpus()), Ok(2));
    let many = |kind| (0..200).find_map(|_| graph.clone().add(kind).err());
    assert_eq!(many(Kind::Nic), None, "one at a time there is room");
    let fill = |kind| {
        let mut graph = Graph::new();
        (0..200).find_map(|_| graph.add(kind).err())
    };
    assert_eq!(fill(Kind::Gpu), Some(E::Gpus(MOST_GPUS + 1)));
    assert_eq!(fill(Kind::NvSwitch), Some(E::Others(MAX_OTHERS + 1)));
}

#[test]
fn an_error_is_one_clear_line() {
    let errors = [
        (TopologyError::Gpus(40), "40 GPUs: expected at most 32"),
        (
            TopologyError::Bandwidth(Bandwidth(0)),
            "a bandwidth of 0: expected 1 to 8000000 MB/s",
        ),
        (
            TopologyError::Apart(0, 3),
            "no path between GPU 0 and GPU 3: expected all of a node to be connected",
        ),
    ];
    for (error, text) in errors {
        assert_eq!(error.to_string(), text);
    }
}
