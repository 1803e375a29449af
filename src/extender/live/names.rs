//! Node names to their places in the cluster ([`Names`]), for lists of thousands of names.
//!
//! kube-scheduler names all nodes twice a pod, mostly in an order like that of the list before. So a
//! name is first compared with that of the node that came next the last time, and only looked up when
//! it is another one. Names lie side by side, which is what makes the comparison cheap.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use stowage_core::cluster::Cluster;
use stowage_core::units::NodeIx;

use crate::extender::wire::Name;

/// The places of all nodes of one layout of a cluster.
#[derive(Debug, Default)]
pub(super) struct Names {
    layout: Option<u64>,
    text: String,
    /// Where each node's name ends in `text`.
    ends: Vec<u32>,
    /// For each node, the one that followed it the last time; first of all, the first of a list.
    next: Vec<u32>,
    /// Names come from the API server alone, so that a fast hash does no harm.
    by_name: HashMap<Box<str>, NodeIx, FixedState>,
}

impl Names {
    /// Follows the cluster's layout.
    pub(super) fn follow(&mut self, cluster: &Cluster) {
        if self.layout == Some(cluster.layout()) {
            return;
        }
        *self = Self {
            layout: Some(cluster.layout()),
            ..Self::default()
        };
        for (state, node) in cluster.nodes().iter().zip(0..) {
            let name = &*state.node().name;
            self.text.push_str(name);
            self.ends.push(self.text.len() as u32);
            self.by_name.insert(name.into(), NodeIx(node));
        }
        self.next = (0..=self.ends.len() as u32).collect();
    }

    /// The place of one node.
    pub(super) fn find(&self, name: &str) -> Option<NodeIx> {
        self.by_name.get(name).copied()
    }

    /// The places of a list of nodes, none for a name that is not known.
    pub(super) fn find_all(&mut self, names: &[Name<'_>]) -> Vec<Option<NodeIx>> {
        let mut before = 0;
        let mut find = |name: &Name<'_>| {
            let guess = self.next[before] as usize;
            if self.name(guess) == Some(&*name.0) {
                before = guess + 1;
                return Some(NodeIx(guess as u32));
            }
            let node = self.find(&name.0)?;
            self.next[before] = node.0;
            before = node.index() + 1;
            Some(node)
        };
        names.iter().map(&mut find).collect()
    }

    fn name(&self, node: usize) -> Option<&str> {
        let end = *self.ends.get(node)? as usize;
        let start = node.checked_sub(1).map_or(0, |n| self.ends[n] as usize);
        self.text.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use stowage_core::node::{HandOver, Node, Room};
    use stowage_core::units::{Mebibytes, Milli};

    use super::*;

    fn node(name: &str) -> Node {
        Node {
            name: name.into(),
            rank: 0,
            room: Room {
                cores: Milli(1000),
                memory: Mebibytes(1),
                pods: 1,
            },
            gpus: [].into(),
            hand_over: HandOver::DevicePlugin,
            ..Node::default()
        }
    }

    fn cluster(names: &[&str]) -> Cluster {
        Cluster::new(names.iter().map(|name| node(name))).expect("nodes")
    }

    fn places(names: &mut Names, list: &str) -> Vec<Option<u32>> {
        let list = list.split_whitespace();
        let list: Vec<_> = list.map(|name| Name(Cow::Borrowed(name))).collect();
        let found = names.find_all(&list);
        found.iter().map(|node| node.map(|n| n.0)).collect()
    }

    #[test]
    fn a_list_in_any_order_finds_each_node_by_its_name() {
        let mut names = Names::default();
        names.follow(&cluster(&["a", "ab", "b", "c"]));
        let orders = [
            ("a ab b c", [Some(0), Some(1), Some(2), Some(3)]),
            ("c b ab a", [Some(3), Some(2), Some(1), Some(0)]),
            ("c b ab a", [Some(3), Some(2), Some(1), Some(0)]),
            ("b x c a", [Some(2), None, Some(3), Some(0)]),
            ("b b a ab", [Some(2), Some(2), Some(0), Some(1)]),
            ("c b ab abc", [Some(3), Some(2), Some(1), None]),
        ];
        for (list, expected) in orders {
            assert_eq!(places(&mut names, list), expected, "{list}");
        }
        assert_eq!(places(&mut names, ""), []);
    }

    #[test]
    fn another_layout_finds_the_nodes_of_the_new_one() {
        let mut names = Names::default();
        assert_eq!(names.find("a"), None);
        let mut cluster = cluster(&["a", "b"]);
        names.follow(&cluster);
        assert_eq!(places(&mut names, "a b"), [Some(0), Some(1)]);
        cluster.add_node(node("0")).expect("a node");
        cluster.remove_node("b").expect("a node");
        cluster.add_node(node("c")).expect("a node");
        names.follow(&cluster);
        assert_eq!(places(&mut names, "a b c"), [Some(1), None, Some(2)]);
        for name in ["0", "a", "c"] {
            cluster.remove_node(name).expect("a node");
        }
        names.follow(&cluster);
        assert_eq!(places(&mut names, "a"), [None]);
    }
}
