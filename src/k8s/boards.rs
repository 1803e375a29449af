//! The names of boards: what feature discovery calls a product, and what Stowage calls the board.
//!
//! A board is a model and its memory, `A100-80GB`, however it is cooled and plugged in, so that one
//! name in `stowage.dev/gpu-models` covers the SXM and the PCIe form. Names that are not in the table
//! stay as they are; people may also write the product's name itself. Beside the names is what a name
//! alone says for certain: in what machine eight of them sit, and how fast their links are.

use stowage_core::gpu::Model;
use stowage_core::mig::{Geometry, MigProfile};
use stowage_core::topology::{Bandwidth, Board as Machine, Speeds};

/// The name of a board that nobody names.
pub(super) const UNKNOWN: &str = "unknown";

/// Label `nvidia.com/gpu.product` and the board, from public feature-discovery and `nvidia-smi`
/// outputs.
const NVIDIA: [(&str, &str); 28] = [
    ("Tesla-T4", "T4-16GB"),
    ("Tesla-P100-PCIE-16GB", "P100-16GB"),
    ("Tesla-P100-SXM2-16GB", "P100-16GB"),
    ("Tesla-V100-SXM2-16GB", "V100-16GB"),
    ("Tesla-V100-PCIE-16GB", "V100-16GB"),
    ("Tesla-V100-SXM2-32GB", "V100-32GB"),
    ("Tesla-V100-SXM3-32GB", "V100-32GB"),
    ("Tesla-V100-PCIE-32GB", "V100-32GB"),
    ("NVIDIA-A10", "A10-24GB"),
    ("NVIDIA-A30", "A30-24GB"),
    ("NVIDIA-A40", "A40-48GB"),
    ("NVIDIA-A100-SXM4-40GB", "A100-40GB"),
    ("NVIDIA-A100-PCIE-40GB", "A100-40GB"),
    ("NVIDIA-A100-SXM4-80GB", "A100-80GB"),
    ("NVIDIA-A100-80GB-PCIe", "A100-80GB"),
    ("NVIDIA-L4", "L4-24GB"),
    ("NVIDIA-L40S", "L40S-48GB"),
    ("NVIDIA-H100-80GB-HBM3", "H100-80GB"),
    ("NVIDIA-H100-PCIe", "H100-80GB"),
    ("NVIDIA-H100-NVL", "H100-94GB"),
    ("NVIDIA-GH200-480GB", "GH200-96GB"),
    ("NVIDIA-H200", "H200-141GB"),
    ("NVIDIA-H200-NVL", "H200-141GB"),
    ("NVIDIA-B200", "B200-180GB"),
    ("NVIDIA-GB200", "GB200-186GB"),
    ("NVIDIA-B300-SXM6-AC", "B300-269GB"),
    ("NVIDIA-GB300", "GB300-278GB"),
    (
        "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition",
        "RTXPRO6000-96GB",
    ),
];

/// A board of AMD as its products name it, the GiB of one device, and into how many parts CPX cuts it
/// (one for each die; none where it cannot be cut, or nobody says how).
const AMD: [(&str, u32, Option<u32>); 7] = [
    ("MI250", 64, None),
    ("MI250X", 64, None),
    ("MI300A", 128, Some(6)),
    ("MI300X", 192, Some(8)),
    ("MI325X", 256, Some(8)),
    ("MI355X", 288, Some(8)),
    ("V710", 24, None),
];

/// So many GiB less than nominal still are the same board: drivers and hypervisors keep a little.
const KEPT_GIB: u32 = 4;

/// What a product label of NVIDIA's feature discovery says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Product<'p> {
    /// The board.
    pub(super) board: &'p str,
    /// Into what each is cut, as it is written there: `1g.10gb.me`.
    pub(super) mig: Option<&'p str>,
    /// Whether there are replicas under the name of whole devices.
    pub(super) shared: bool,
}

/// The parts of `NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED`.
pub(super) fn product(label: &str) -> Product<'_> {
    let whole = label.strip_suffix("-SHARED");
    let (name, mig) = match whole.unwrap_or(label).split_once("-MIG-") {
        Some((name, profile)) => (name, Some(profile)),
        None => (whole.unwrap_or(label), None),
    };
    let known = NVIDIA.iter().find(|(product, _)| *product == name);
    Product {
        board: known.map_or(name, |(_, board)| board),
        mig,
        shared: whole.is_some(),
    }
}

/// Whether `board` is the name of one in the table, so that its MIG profiles are known if it has any.
pub(super) fn is_known(board: &str) -> bool {
    NVIDIA.iter().any(|(_, known)| *known == board) || Geometry::of_board(board).is_some()
}

/// The profile that a product or a resource spells so: `1g.10gb.me`, or `1g.10gb+me` as people do.
pub(super) fn profile(spelling: &str) -> Option<MigProfile> {
    let resource = || MigProfile::of_resource(&format!("nvidia.com/mig-{spelling}"));
    spelling.parse().or_else(|_| resource()).ok()
}

/// The device that a product or a board's own name stands for: the board, and the MIG profile where
/// every instance counts as a device.
pub(super) fn model(name: &str) -> Model {
    let Product { board, mig, .. } = product(name);
    match mig.map(|mig| (mig, profile(mig))) {
        None => Model::new(board),
        Some((_, Some(profile))) => Model::new(&format!("{board}-MIG-{profile}")),
        Some((mig, None)) => Model::new(&format!("{board}-MIG-{mig}")),
    }
}

/// An AMD board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmdBoard {
    /// Its name.
    pub(super) model: Model,
    /// GiB of one whole device; 0 if that is not known.
    pub(super) gib: u32,
    /// How many parts CPX makes.
    pub(super) dies: Option<u32>,
}

/// The board of an AMD product (`AMD_Instinct_MI300X_OAM`) whose devices say that they have so many
/// GiB, or 0. A device `in_parts` may have named the memory of a part, so the table is believed.
pub(super) fn amd(product: &str, gib: u32, in_parts: bool) -> AmdBoard {
    let mut parts = product.split('_');
    let known = parts.find_map(|part| AMD.iter().find(|(name, ..)| *name == part));
    let Some(&(name, nominal, dies)) = known.filter(|_| gib > 0 || in_parts) else {
        let (model, dies) = (Model::new(product), known.and_then(|(_, _, dies)| *dies));
        return AmdBoard { model, gib, dies };
    };
    let whole = (nominal.saturating_sub(KEPT_GIB)..=nominal).contains(&gib);
    let size = if whole || in_parts { nominal } else { gib };
    AmdBoard {
        model: Model::new(&format!("{name}-{size}GB")),
        gib: if in_parts { nominal } else { gib },
        dies,
    }
}

/// The machine that eight of such a product make, where there is but one. `product` is a label of
/// either vendor.
pub(super) fn machine(product: &str) -> Option<Machine> {
    Some(match product {
        "NVIDIA-A100-SXM4-40GB" | "NVIDIA-A100-SXM4-80GB" => Machine::HgxA100,
        "NVIDIA-H100-80GB-HBM3" | "NVIDIA-H200" => Machine::HgxH100,
        "NVIDIA-B200" | "NVIDIA-B300-SXM6-AC" => Machine::HgxB200,
        "AMD_Instinct_MI300X_OAM" => Machine::Mi300x,
        _ => return None,
    })
}

/// How fast the slots and links of a board are, by the generation it is of; none where its links
/// cannot be told from its name.
pub(super) fn speeds(model: &str) -> Option<Speeds> {
    let (name, _) = model.split_once('-').unwrap_or((model, ""));
    let (slot, link) = match name {
        "P100" => (Bandwidth::PCIE3, Bandwidth::NVLINK1),
        "T4" | "V100" => (Bandwidth::PCIE3, Bandwidth::NVLINK2),
        "A10" | "A30" | "A40" | "A100" | "L4" | "L40S" => (Bandwidth::PCIE4, Bandwidth::NVLINK3),
        "H100" | "H20" | "H200" | "GH200" => (Bandwidth::PCIE5, Bandwidth::NVLINK4),
        "B200" | "GB200" | "RTXPRO6000" => (Bandwidth::PCIE5, Bandwidth::NVLINK5),
        "B300" | "GB300" => (Bandwidth::PCIE6, Bandwidth::NVLINK5),
        "MI300X" | "MI325X" => (Bandwidth::PCIE5, Bandwidth::XGMI_MI300X),
        _ => return None,
    };
    Some(Speeds { slot, link })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_board_have_one_name() {
        assert_eq!(
            model("NVIDIA-A100-SXM4-80GB"),
            model("NVIDIA-A100-80GB-PCIe")
        );
        assert_eq!(model("NVIDIA-A100-SXM4-80GB"), model("A100-80GB"));
        assert_eq!(model("Quadro-RTX-8000").as_str(), "Quadro-RTX-8000");
        let amd = |product, gib, in_parts| amd(product, gib, in_parts).model;
        let instinct = "AMD_Instinct_MI300X_OAM";
        assert_eq!(amd(instinct, 192, false).as_str(), "MI300X-192GB");
        assert_eq!(amd(instinct, 191, false), amd(instinct, 192, false));
        assert_eq!(amd(instinct, 48, true), amd(instinct, 192, false));
        assert_eq!(amd(instinct, 48, false).as_str(), "MI300X-48GB");
        let radeon = "AMD_Radeon_PRO_W7900";
        assert_eq!(amd(radeon, 48, false).as_str(), radeon);
    }

    #[test]
    fn instances_and_replicas_are_told_from_the_board() {
        let label = "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb.me-SHARED";
        let expected = Product {
            board: "A100-40GB",
            mig: Some("1g.5gb.me"),
            shared: true,
        };
        assert_eq!(product(label), expected);
        assert_eq!(model(label).as_str(), "A100-40GB-MIG-1g.5gb+me");
        assert_eq!(model("A100-40GB-MIG-1g.5gb+me"), model(label));
        assert_eq!(model("Tesla-T4-SHARED").as_str(), "T4-16GB");
        assert_eq!(
            model("A100-40GB-MIG-INVALID").as_str(),
            "A100-40GB-MIG-INVALID"
        );
    }

    #[test]
    fn no_product_is_there_twice() {
        let products: std::collections::BTreeSet<_> = NVIDIA.iter().map(|(p, _)| p).collect();
        assert_eq!(products.len(), NVIDIA.len());
    }

    #[test]
    fn boards_that_are_cut_have_their_names_in_the_table_of_profiles() {
        for geometry in Geometry::all() {
            let cut = |board: &str| board == geometry.board();
            let sold = NVIDIA.iter().any(|(_, board)| cut(board));
            let other =
                ["H100-96GB", "H20-96GB", "GH200-144GB", "GB200-189GB"].contains(&geometry.board());
            assert!(sold || other, "{}", geometry.board());
        }
    }
}
