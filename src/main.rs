//! x
mod sim;
use sim::arrivals::Load;
use std::path::Path;
use std::sync::Arc;
use stowage_core::plan::{Context, Parameters};
use stowage_core::strategy::{Strategy, fgd::Outlook};
use stowage_core::workload::Workload;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let trace = sim::trace::openb::load(
        Path::new("../shared/traces/openb"),
        Default::default(),
        &[a[1].clone()],
    )
    .unwrap();
    let list = &trace.lists[0];
    let outlook = Arc::new(Outlook::new(
        &Workload::count(list.pods.iter().map(|p| &**p)).covering(95),
    ));
    let expected = std::fs::read_to_string(
        "../shared/traces/openb/expected_results/analysis_allo_discrete.csv",
    )
    .unwrap();
    let expectedf = std::fs::read_to_string(
        "../shared/traces/openb/expected_results/analysis_frag_discrete.csv",
    )
    .unwrap();
    for (s, p) in [
        (Strategy::Fgd, "06-FGD"),
        (Strategy::BestFit, "05-BestFit"),
        (Strategy::GpuPacking, "04-GpuPacking"),
        (Strategy::GpuClustering, "03-GpuClustering"),
        (Strategy::DotProduct, "02-DotProd"),
        (Strategy::Random, "01-Random"),
    ] {
        for seed in 42..=51 {
            let load = Load::PerMille(1300);
            let arr = sim::arrivals::arrivals(&trace, list, seed, load);
            let ctx = Context::new(s, Parameters::default(), outlook.clone(), seed);
            let t = std::time::Instant::now();
            let o = sim::run::run(&trace, &arr, load, ctx, &outlook, None).unwrap();
            let dt = t.elapsed();
            let diff = |text: &str, skip: usize, c: &[f64]| -> f64 {
                let key = format!("openb_pod_list_{},", list.name);
                let row = text.lines().find(|l| {
                    l.starts_with(&key)
                        && l.contains(&p[3..])
                        && l.split(',').nth(3) == Some(&seed.to_string())
                });
                let Some(row) = row else { return f64::NAN };
                row.split(',')
                    .skip(skip)
                    .zip(c)
                    .map(|(e, v)| (e.parse::<f64>().unwrap_or(f64::NAN) - v).abs())
                    .fold(0.0, f64::max)
            };
            println!(
                "{s} {seed} {dt:?} alloc {:.3} refused {} first {:?} diff {:.4} frag {:.4}",
                o.curve[130],
                o.refused,
                o.first_refusal,
                diff(&expected, 5, &o.curve),
                diff(&expectedf, 4, &o.fragmented_curve)
            );
        }
    }
}
