//! The names of boards: what feature discovery calls a product, and what Stowage calls the board.
//!
//! A board is a model and its memory, `A100-80GB`, however it is cooled and plugged in, so that one
//! name in `stowage.dev/gpu-models` covers the SXM and the PCIe form. Names that are not in the table
//! stay as they are; people may also write the product's name itself.

use stowage_core::gpu::Model;

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

const AMD: [&str; 5] = ["MI250", "MI250X", "MI300X", "MI325X", "MI355X"];

/// The board that a product or a board's own name stands for.
pub(super) fn model(name: &str) -> Model {
    let known = NVIDIA.iter().find(|(product, _)| *product == name);
    Model::new(known.map_or(name, |(_, board)| board))
}

/// The board of an AMD product (`AMD_Instinct_MI300X_OAM`) with so many GiB as each device has.
pub(super) fn amd_model(product: &str, gib: u32) -> Model {
    let known = product.split('_').find(|part| AMD.contains(part));
    match known {
        Some(model) if gib > 0 => Model::new(&format!("{model}-{gib}GB")),
        _ => Model::new(product),
    }
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
        assert_eq!(
            amd_model("AMD_Instinct_MI300X_OAM", 192).as_str(),
            "MI300X-192GB"
        );
        assert_eq!(
            amd_model("AMD_Radeon_PRO_W7900", 48).as_str(),
            "AMD_Radeon_PRO_W7900"
        );
    }

    #[test]
    fn no_product_is_there_twice() {
        let products: std::collections::BTreeSet<_> = NVIDIA.iter().map(|(p, _)| p).collect();
        assert_eq!(products.len(), NVIDIA.len());
    }
}
