//! A `core/v1` Node, and what it means to Stowage: [`NodeFacts`].
//!
//! `object.rs` says which fields are read, `devices.rs` where GPUs are looked up and which file knows
//! what of them, `health.rs` what keeps new pods away. A node that is wrong or offers its GPUs in a way that Stowage does not know is
//! an error, and is left alone. `rules.rs` stands apart: who may come, where nobody else judges it.

mod object;
mod devices;
mod listed;
mod nvidia;
mod amd;
mod partitions;
mod sizes;
mod links;
mod health;
mod rules;

use serde::{Deserialize, Deserializer};
use stowage_core::node::{Health, Node, Room};
use stowage_core::units::{Mebibytes, Milli};

use super::problem::{NodeError, Wrong};
use super::quantity;
pub use object::NodeObject;
pub use rules::RuledNode;
pub(super) use rules::effect;

/// What Stowage knows of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// What the core needs of it.
    pub node: Node,
    /// The UUID of each device, where it is known.
    pub uuids: Vec<Option<String>>,
    /// Where the devices were looked up.
    pub source: Source,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// Taints that only repel. kube-scheduler judges the harder ones.
    pub repels: Vec<Taint>,
    /// Why it should get no new pods, if there is a reason.
    pub unhealthy: Option<String>,
}

/// Where the devices of a node were looked up, most exact first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The agent's annotation.
    Inventory,
    /// Labels of the vendor's feature discovery.
    Labels,
    /// The size of the machine, by the label that the cloud writes.
    InstanceType,
    /// Nothing but how many there are, if any; memory 0, so that nothing asked in MiB fits.
    AllocatableOnly,
}

/// A taint of effect `PreferNoSchedule`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
}

/// Why a node is an error.
enum Reason {
    Wrong(Wrong),
    NotYet(String),
}

impl From<Wrong> for Reason {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl NodeFacts {
    /// Reads the JSON of a Node.
    ///
    /// # Errors
    /// When it is not one, or its GPUs cannot be told.
    pub fn parse(json: &str) -> Result<Self, NodeError> {
        let object: NodeObject<'_> =
            serde_json::from_str(json).map_err(|error| NodeError::Json(error.to_string()))?;
        Self::try_from(&object)
    }
}

impl TryFrom<&NodeObject<'_>> for NodeFacts {
    type Error = NodeError;

    fn try_from(node: &NodeObject<'_>) -> Result<Self, NodeError> {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        read(name, node).map_err(|reason| match reason {
            Reason::Wrong(wrong) => NodeError::Wrong {
                node: name.to_owned(),
                wrong,
            },
            Reason::NotYet(what) => NodeError::NotYet {
                node: name.to_owned(),
                what,
            },
        })
    }
}

impl<'de> Deserialize<'de> for NodeFacts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let object = NodeObject::deserialize(from)?;
        Self::try_from(&object).map_err(serde::de::Error::custom)
    }
}

fn read(name: &str, node: &NodeObject<'_>) -> Result<NodeFacts, Reason> {
    if name.is_empty() {
        return Err(Wrong::missing("metadata.name", "a name").into());
    }
    let room = room(node)?;
    let devices = devices::of(node)?;
    let unhealthy = health::unhealthy(node);
    let soft = node.spec.taints.iter();
    let soft = soft.filter(|taint| &*taint.effect == "PreferNoSchedule");
    Ok(NodeFacts {
        node: Node {
            name: name.into(),
            rank: 0,
            room,
            gpus: devices.gpus,
            partitions: devices.partitions,
            cut_from: devices.cut_from,
            hand_over: devices.hand_over,
            links: devices.joined,
            health: Health {
                failed: devices.failed,
                ailing: unhealthy.is_some(),
            },
        },
        uuids: devices.uuids,
        source: devices.source,
        unschedulable: node.spec.unschedulable,
        repels: soft
            .map(|taint| Taint {
                key: (*taint.key).to_owned(),
                value: (*taint.value).to_owned(),
            })
            .collect(),
        unhealthy,
    })
}

fn room(node: &NodeObject<'_>) -> Result<Room, Wrong> {
    let status = &node.status;
    let get = |name: &str| {
        let allocatable = status.allocatable.get(name);
        let amount = allocatable.or_else(|| status.capacity.get(name));
        let field = format!("status.allocatable {name}");
        match amount {
            Some(text) => Ok((field, &**text)),
            None => Err(Wrong::missing(field, "a quantity")),
        }
    };
    let (field, text) = get("cpu")?;
    let cores: Milli = quantity::cores(text).map_err(|error| error.at(field))?;
    let (field, text) = get("memory")?;
    let memory: Mebibytes = quantity::memory(text).map_err(|error| error.at(field))?;
    let (field, text) = get("pods")?;
    let pods = quantity::count(text).map_err(|error| error.at(field))?;
    Ok(Room {
        cores,
        memory,
        // More pods than can be counted are as good as no limit.
        pods: u32::try_from(pods).unwrap_or(u32::MAX),
    })
}
