//! What an inventory may add to its devices: NUMA nodes, MIG on demand, links, partitions.

use serde_json::json;
use stowage_core::gpu::GpuMode;
use stowage_core::mig::Geometry;
use stowage_core::node::NodeState;
use stowage_core::topology::{Closeness, Layout};

use super::*;
use crate::k8s::inventory::Inventory;

/// A node with an inventory of so many A100, each with `device` added, and `more` beside them.
fn listed(count: u32, device: &Value, more: &Value) -> Value {
    let devices = (0..count).map(|index| {
        let mut one = json!({
            "index": index, "vendor": "nvidia", "model": "A100-40GB", "memoryMib": 40960,
        });
        let fields = one.as_object_mut().unwrap();
        fields.extend(device.as_object().unwrap().clone());
        one
    });
    let devices: Vec<Value> = devices.collect();
    let mut inventory = json!({"v": 1, "handOver": "stowage-nri", "devices": devices});
    let fields = inventory.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    json!({
        "metadata": {"name": "n", "annotations": {"stowage.dev/inventory": inventory.to_string()}},
        "status": {"allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"}},
    })
}

fn facts(count: u32, device: &Value, more: &Value) -> NodeFacts {
    node(&listed(count, device, more).to_string())
}

fn error(count: u32, device: &Value, more: &Value) -> String {
    let error = node_error(&listed(count, device, more));
    let start = "node n: annotation stowage.dev/inventory: ";
    error.strip_prefix(start).unwrap_or(&error).to_owned()
}

fn links(links: &[(u32, u32, &str)]) -> Value {
    let entry = |&(a, b, link): &(u32, u32, &str)| json!({"a": a, "b": b, "link": link});
    let links: Vec<Value> = links.iter().map(entry).collect();
    json!({"links": links})
}

fn worst(layout: &Layout, a: usize, b: usize) -> Option<Closeness> {
    layout.worst([a, b].into_iter().collect())
}

#[test]
fn boards_that_are_cut_on_demand_show_their_slots() {
    let facts = facts(2, &json!({"mig": "on-demand"}), &json!({}));
    let geometry = Geometry::of_board("A100-40GB").unwrap();
    let cut = |mode: GpuMode| mode.geometry() == Some(geometry);
    assert!(facts.node.gpus.iter().all(|gpu| cut(gpu.mode)));
    let drawing = NodeState::idle(facts.node.into()).to_string();
    assert_eq!(drawing, "n: M[........] M[........] 8000m 32768Mi 110p");
}

#[test]
fn instances_on_demand_need_an_agent_and_a_board() {
    let on_demand = |model: &str| json!({"mig": "on-demand", "model": model});
    assert_eq!(
        error(1, &on_demand("L4-24GB"), &json!({})),
        r#"device 0: mig: expected a board whose MIG profiles are known, got "L4-24GB""#
    );
    assert_eq!(
        error(1, &on_demand("A100-40GB"), &json!({"handOver": "none"})),
        "device 0: mig: expected a hand-over stowage-nri where instances are made on demand, got another"
    );
    let sometimes = error(1, &json!({"mig": "sometimes"}), &json!({}));
    assert!(sometimes.starts_with("expected an inventory of version 1, got unknown variant"));
}

#[test]
fn links_that_differ_become_the_layout() {
    let facts = facts(
        4,
        &json!({}),
        &links(&[(0, 1, "NV12"), (3, 2, "NV12"), (0, 1, "PIX")]),
    );
    let layout = facts.node.links.unwrap();
    assert_eq!(worst(&layout, 0, 1), Some(Closeness::NvLink));
    assert_eq!(worst(&layout, 2, 3), Some(Closeness::NvLink));
    assert_eq!(worst(&layout, 1, 2), Some(Closeness::System));
}

#[test]
fn links_that_are_all_alike_are_known() {
    let all = (0..8).flat_map(|b| (0..b).map(move |a| (a, b, "NV12")));
    let facts = facts(8, &json!({}), &links(&all.collect::<Vec<_>>()));
    let pair = facts.node.links.unwrap().pair(0, 7).unwrap();
    assert!(pair.switched, "{pair:?}");
}

#[test]
fn numa_nodes_say_who_is_close() {
    let half = |numa: i32| move |index: u32| json!({"numa": if index < 2 { 0 } else { numa }});
    let of = |numa: &dyn Fn(u32) -> Value| {
        let mut object = listed(4, &json!({}), &json!({}));
        let annotation = &mut object["metadata"]["annotations"]["stowage.dev/inventory"];
        let mut inventory: Value = serde_json::from_str(annotation.as_str().unwrap()).unwrap();
        for index in 0..4 {
            inventory["devices"][index as usize]["numa"] = numa(index)["numa"].clone();
        }
        *annotation = json!(inventory.to_string());
        node(&object.to_string()).node.links
    };
    let layout = of(&half(1)).unwrap();
    assert_eq!(worst(&layout, 0, 1), Some(Closeness::SameNuma));
    assert_eq!(worst(&layout, 1, 2), Some(Closeness::System));
    // All at one, or not all known: nothing is said.
    assert_eq!(of(&half(0)), None);
    assert_eq!(of(&half(-1)), None);
}

#[test]
fn links_that_cannot_be_are_refused() {
    let nothing = json!({});
    let refuse = |list: &[(u32, u32, &str)]| error(2, &nothing, &links(list));
    assert_eq!(
        refuse(&[(0, 1, "PIX"), (0, 2, "NV4")]),
        "links[1].b: expected the index of a device, got 2"
    );
    assert_eq!(
        refuse(&[(0, 1, "NV19")]),
        r#"links[0].link: expected NV1 to NV18, PIX, PXB, PHB, NODE or SYS, got "NV19""#
    );
    assert_eq!(
        refuse(&[(1, 1, "PIX")]),
        "links: expected links between two devices, got 1 twice"
    );
    assert_eq!(
        refuse(&[(0, 1, "NV4"), (1, 0, "NV2")]),
        "links: expected one NVLink and one PCIe path between two devices, got another between 1 and 0"
    );
    assert_eq!(
        error(33, &nothing, &links(&[(0, 1, "PIX")])),
        "links: expected at most 32 devices where links are listed, got 33"
    );
    // Looked at even where nobody knows how fast they are.
    let strange = json!({"model": "Strange-1"});
    assert!(error(2, &strange, &links(&[(0, 0, "NV4")])).contains("0 twice"));
    assert_eq!(
        facts(2, &strange, &links(&[(0, 1, "NV4")])).node.links,
        None
    );
}

#[test]
fn partitions_are_counted_by_their_resource() {
    let cut = json!({"mig": "static"});
    let partitions = json!({"partitions": {
        "nvidia.com/mig-2g.10gb": 2, "nvidia.com/mig-1g.5gb.shared": 6, "nvidia.com/mig-1g.5gb": 0,
    }});
    let drawing = NodeState::idle(facts(1, &cut, &partitions).node.into()).to_string();
    assert_eq!(drawing, "n: - 2*2g.10gb 6*1g.5gb.shared 8000m 32768Mi 110p");
    let refuse = |name: &str| error(1, &cut, &json!({"partitions": {name: 1}}));
    assert_eq!(
        refuse("nvidia.com/mig-9g.5gb"),
        r#"partitions: nvidia.com/mig-9g.5gb: expected a MIG profile of A100-40GB, got "9g.5gb""#
    );
    assert_eq!(
        refuse("nvidia.com/gpu"),
        r#"partitions: nvidia.com/gpu: expected a MIG profile such as nvidia.com/mig-1g.10gb, got "nvidia.com/gpu""#
    );
    // A device is given out itself or in partitions, never both, and no more than there is room for.
    let seven = |n: u32| json!({"partitions": {"nvidia.com/mig-1g.5gb": n}});
    assert_eq!(
        error(1, &json!({}), &seven(7)),
        "partitions: nvidia.com/mig-1g.5gb: expected at most 0 on 0 devices with mig static, got 7"
    );
    assert_eq!(
        error(2, &cut, &seven(15)),
        "partitions: nvidia.com/mig-1g.5gb: expected at most 14 on 2 devices with mig static, got 15"
    );
}

#[test]
fn an_inventory_with_everything_is_written_as_it_is_read() {
    let text = concat!(
        r#"{"v":1,"handOver":"stowage-nri","devices":[{"index":0,"vendor":"nvidia","model":"A30-24GB","#,
        r#""memoryMib":24576,"healthy":true,"numa":-1,"mig":"on-demand"},{"index":1,"vendor":"nvidia","#,
        r#""model":"A30-24GB","memoryMib":24576,"healthy":true}],"links":[{"a":0,"b":1,"link":"NV4"}],"#,
        r#""partitions":{"nvidia.com/mig-1g.6gb":4}}"#
    );
    assert_eq!(Inventory::parse(text).unwrap().to_json(), text);
}
