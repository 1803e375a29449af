//! Nodes and pods as JSON: what a kubelet, a device plugin and GPU feature discovery would report, and
//! what a user would write.
//!
//! Builders over one JSON value, not over typed objects: a test must be able to say what is wrong, too.
//! [`FakeNode::set`] and [`FakePod::set`] reach whatever has no method here.

mod node;
mod pod;

use serde_json::{Value, json};

pub use self::node::FakeNode;
pub use self::pod::FakePod;

/// A board, in the words of GPU feature discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// `nvidia.com/gpu.product`
    pub product: &'static str,
    /// `nvidia.com/gpu.memory`: MiB of one device
    pub memory_mib: u32,
    /// `nvidia.com/gpu.family`
    pub family: &'static str,
    /// `nvidia.com/gpu.compute.major` and `.minor`
    pub compute: (u8, u8),
    /// `nvidia.com/mig.capable`
    pub mig_capable: bool,
}

/// NVIDIA T4.
pub const T4: Board = board("Tesla-T4", 15360, "turing", (7, 5), false);
/// NVIDIA V100, 16 GB, SXM2.
pub const V100: Board = board("Tesla-V100-SXM2-16GB", 16384, "volta", (7, 0), false);
/// NVIDIA A100, 80 GB, SXM4.
pub const A100: Board = board("NVIDIA-A100-SXM4-80GB", 81920, "ampere", (8, 0), true);
/// NVIDIA H100, 80 GB, SXM5.
pub const H100: Board = board("NVIDIA-H100-80GB-HBM3", 81559, "hopper", (9, 0), true);

const fn board(
    product: &'static str,
    memory_mib: u32,
    family: &'static str,
    compute: (u8, u8),
    mig_capable: bool,
) -> Board {
    Board {
        product,
        memory_mib,
        family,
        compute,
        mig_capable,
    }
}

/// A PriorityClass.
#[must_use]
pub fn priority_class(name: &str, value: i32) -> Value {
    json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    })
}

/// Sets a field of the object at a JSON pointer. A pointer to nowhere is a slip in the test.
fn put(object: &mut Value, parent: &str, field: &str, value: Value) {
    let parent_value = object.pointer_mut(parent);
    let fields = parent_value.and_then(Value::as_object_mut);
    let fields = fields.unwrap_or_else(|| panic!("{parent}: expected an object, got none"));
    fields.insert(field.to_owned(), value);
}

fn push(object: &mut Value, list: &str, value: Value) {
    let found = object.pointer_mut(list).and_then(Value::as_array_mut);
    let found = found.unwrap_or_else(|| panic!("{list}: expected a list, got none"));
    found.push(value);
}
