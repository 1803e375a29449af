//! Reads a synthetic workload from its one line.

use std::collections::BTreeSet;

use super::{Arrivals, Durations, MAX_MS, SWING, Synth};
use crate::sim::trace::jobs_csv::MAX_GPUS;

/// Most jobs of one workload.
const MAX_JOBS: u32 = 10_000_000;
const KEYS: &str =
    "kind, jobs, gap, arrivals, swing, durations, mean, sigma, alpha, sizes, gangs, tenants";

const KINDS: &str = "poisson, philly, seren, helios, gangs, inference or serving";

/// Sizes of Philly 2017's jobs, GPUs and how many.
const PHILLY_SIZES: [(u64, u32); 10] = [
    (1, 76_627),
    (2, 1_818),
    (4, 1_870),
    (8, 1_643),
    (12, 7),
    (16, 199),
    (24, 7),
    (32, 67),
    (64, 6),
    (128, 3),
];
/// Mean 13,136 s over median 1,144 s: the standard deviation of the logarithm is the root of twice
/// the logarithm of their ratio.
const PHILLY_SIGMA: f64 = 2.209;

/// Reads `key=value` pairs joined by commas.
///
/// # Errors
/// A sentence that says which key or value, and what is expected.
pub fn parse(text: &str) -> Result<Synth, String> {
    let mut synth = kind("poisson").expect("it is a kind");
    let (mut sigma, mut alpha, mut family) = (None, None, None);
    let mut seen = BTreeSet::new();
    for (index, pair) in text.split(',').enumerate() {
        let pair = pair.trim();
        if pair.is_empty() && text.is_empty() {
            break;
        }
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("expected KEY=VALUE joined by commas, got {pair:?}"))?;
        let wrong = |expected: &str| format!("{key}: expected {expected}, got {value:?}");
        if !seen.insert(key) {
            return Err(wrong("it once"));
        }
        match key {
            "kind" if index > 0 => return Err("kind: expected it to come first".to_owned()),
            "kind" => {
                synth = kind(value).ok_or_else(|| wrong(KINDS))?;
            }
            "jobs" => {
                synth.jobs = count(value, MAX_JOBS)
                    .ok_or_else(|| wrong(&format!("a whole number from 1 to {MAX_JOBS}")))?;
            }
            "tenants" => {
                synth.tenants =
                    count(value, 1000).ok_or_else(|| wrong("a whole number from 1 to 1000"))?;
            }
            "gap" => synth.gap = duration_ms(value).ok_or_else(|| wrong(A_TIME))?,
            "mean" => synth.mean = duration_ms(value).ok_or_else(|| wrong(A_TIME))?,
            "arrivals" => {
                synth.arrivals =
                    arrivals(value).ok_or_else(|| wrong("poisson, bursty or diurnal"))?;
            }
            "swing" => {
                let number = decimal(value).filter(|x| (0.0..=1.0).contains(x));
                synth.swing = number.ok_or_else(|| wrong("a number from 0 to 1"))?;
            }
            "durations" => family = Some(value),
            "sigma" => {
                let number = decimal(value).filter(|x| (0.0..=5.0).contains(x));
                sigma = Some(number.ok_or_else(|| wrong("a number from 0 to 5"))?);
            }
            "alpha" => {
                let number = decimal(value).filter(|x| *x > 1.0 && *x <= 100.0);
                alpha = Some(number.ok_or_else(|| wrong("a number above 1, at most 100"))?);
            }
            "sizes" => {
                let expected = "GPUS:WEIGHT joined by /, for example 0.5:20/1:70/8:10";
                synth.sizes = weights(value, gpus).ok_or_else(|| wrong(expected))?;
            }
            "gangs" => {
                let expected = "PODS:WEIGHT joined by /, for example 1:80/4:20";
                synth.gangs =
                    weights(value, |t| count(t, 10_000)).ok_or_else(|| wrong(expected))?;
            }
            _ => return Err(format!("expected a key of {KEYS}, got {key:?}")),
        }
    }
    if let Some(name) = family {
        synth.durations = durations(name).ok_or_else(|| {
            format!("durations: expected constant, exponential, lognormal or pareto, got {name:?}")
        })?;
    }
    synth.durations = match (synth.durations, sigma, alpha) {
        (Durations::LogNormal(_), Some(sigma), None) => Durations::LogNormal(sigma),
        (Durations::Pareto(_), None, Some(alpha)) => Durations::Pareto(alpha),
        (other, None, None) => other,
        (_, Some(_), _) => return Err("sigma: expected durations=lognormal".to_owned()),
        (_, _, Some(_)) => return Err("alpha: expected durations=pareto".to_owned()),
    };
    let several = synth.gangs.is_empty() || synth.sizes.iter().all(|&(milli, _)| milli <= 32_000);
    match several {
        true => Ok(synth),
        false => Err("sizes: expected at most 32 GPUs a pod where gangs are given".to_owned()),
    }
}

/// How a span of time is written.
const A_TIME: &str = "a time above 0 such as 500ms, 90s, 15m, 2h or 1.5d";

/// A span of time such as `90s` in ms, above 0.
#[must_use]
pub fn duration_ms(text: &str) -> Option<u64> {
    let units = [
        ("ms", 1),
        ("s", 1000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let found = units
        .iter()
        .find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, *ms)));
    let (number, unit) = found?;
    let thousandths = per_mille(number)?;
    let ms = thousandths.checked_mul(unit)? / 1000;
    (1..=MAX_MS).contains(&ms).then_some(ms)
}

/// A decimal number with at most three decimals, in thousandths.
fn per_mille(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let part: u64 = format!("{part:0<3}").parse().ok()?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(1000)?;
    whole.checked_add(part)
}

fn decimal(text: &str) -> Option<f64> {
    per_mille(text).map(|n| n as f64 / 1000.0)
}

fn count(text: &str, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.filter(|n| (1..=most).contains(n))
}

/// GPUs in thousandths: a part of one, or whole ones.
fn gpus(text: &str) -> Option<u64> {
    let milli = per_mille(text).filter(|&n| n > 0 && n <= 1000 * u64::from(MAX_GPUS))?;
    (milli < 1000 || milli.is_multiple_of(1000)).then_some(milli)
}

fn weights<T>(text: &str, value: impl Fn(&str) -> Option<T>) -> Option<Vec<(T, u32)>> {
    let pairs = text.split('/').map(|pair| {
        let (what, weight) = pair.split_once(':')?;
        Some((value(what)?, count(weight, 1_000_000)?))
    });
    pairs.collect()
}

fn arrivals(name: &str) -> Option<Arrivals> {
    Some(match name {
        "poisson" => Arrivals::Poisson,
        "bursty" => Arrivals::Bursty,
        "diurnal" => Arrivals::Diurnal,
        _ => return None,
    })
}

fn durations(name: &str) -> Option<Durations> {
    Some(match name {
        "constant" => Durations::Constant,
        "exponential" => Durations::Exponential,
        "lognormal" => Durations::LogNormal(1.0),
        "pareto" => Durations::Pareto(1.5),
        _ => return None,
    })
}

fn kind(name: &str) -> Option<Synth> {
    let plain = Synth {
        jobs: 1000,
        gap: 60_000,
        arrivals: Arrivals::Poisson,
        swing: SWING,
        durations: Durations::Exponential,
        mean: 3_600_000,
        sizes: vec![(1000, 1)],
        gangs: Vec::new(),
        tenants: 1,
    };
    Some(match name {
        "poisson" => plain,
        "philly" => Synth {
            // 82,247 jobs in 109.6 days.
            gap: 115_000,
            arrivals: Arrivals::Diurnal,
            durations: Durations::LogNormal(PHILLY_SIGMA),
            mean: 13_136_000,
            sizes: PHILLY_SIZES
                .map(|(gpus, jobs)| (1000 * gpus, jobs))
                .to_vec(),
            tenants: 15,
            ..plain
        },
        // 663,813 and 1,580,464 GPU jobs in half a year.
        "seren" => summarised(24_000, (1_414_335, 122_000), (11, 0.4985), plain),
        "helios" => summarised(10_000, (6_651_681, 206_000), (12, 0.4420), plain),
        "gangs" => Synth {
            durations: Durations::LogNormal(1.0),
            mean: 7_200_000,
            sizes: vec![(8000, 1)],
            gangs: vec![(1, 70), (2, 15), (4, 10), (8, 5)],
            tenants: 4,
            ..plain
        },
        "inference" => Synth {
            gap: 10_000,
            arrivals: Arrivals::Bursty,
            mean: 600_000,
            sizes: vec![(100, 30), (200, 30), (500, 25), (1000, 15)],
            tenants: 4,
            ..plain
        },
        // The rate of ServeGen's m-small by hour of the day goes from 0.66 to 1.46 times its mean.
        "serving" => Synth {
            arrivals: Arrivals::Diurnal,
            swing: 0.4,
            ..kind("inference")?
        },
        _ => return None,
    })
}

/// As a row of Acme's summary of clusters describes one: run times by mean and median (a lognormal), sizes
/// by mean, median and largest. Sizes are powers of two, each so many times as frequent as the one before;
/// the ratio is the one with the mean, as far as half of the jobs keep one GPU.
/// Source: Hu et al., NSDI '24, `cluster_summary.csv` of AcmeTrace.
fn summarised(
    gap: u64,
    (mean, median): (u64, u64),
    (sizes, ratio): (i32, f64),
    plain: Synth,
) -> Synth {
    let weight = |power: i32| u32::try_from((1e6 * ratio.powi(power)) as i64).unwrap_or(1);
    Synth {
        gap,
        arrivals: Arrivals::Diurnal,
        durations: Durations::LogNormal((2.0 * libm::log(mean as f64 / median as f64)).sqrt()),
        mean,
        sizes: (0..sizes)
            .map(|power| (1000 << power, weight(power)))
            .collect(),
        tenants: 15,
        ..plain
    }
}
