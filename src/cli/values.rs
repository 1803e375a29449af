//! The values of options, read with one clear line for what is wrong.

use anyhow::{anyhow, bail};
use stowage_core::strategy::Strategy;

use crate::config::{self, Policy};
use crate::sim::arrivals::Load;
use crate::sim::replay::{Discipline, OnFailure};
use crate::sim::sample::NodeShare;
use crate::sim::trace::openb::NodeFile;

/// Most seeds in one experiment.
const MAX_SEEDS: u64 = 10_000;
/// Most times over that capacity may be asked for.
const MAX_LOAD: u64 = 100_000;

/// A value and where it stands: `--seeds`, or file, line, column and field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given<T> {
    pub(super) place: String,
    pub(super) value: T,
}

/// `42..51` (both ends included) or `1,2,7`.
pub(super) fn seeds(given: &Given<&str>) -> anyhow::Result<Vec<u64>> {
    let Given { place, value: text } = given;
    let wrong = || anyhow!("{place}: expected numbers like 42..51 or 1,2,7, got {text:?}");
    let number = |part: &str| part.trim().parse::<u64>().map_err(|_| wrong());
    let seeds = match text.split_once("..") {
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                bail!("{place}: expected the smaller number first, got {text:?}");
            }
            if last - first >= MAX_SEEDS {
                bail!("{place}: expected at most {MAX_SEEDS} seeds, got {text:?}");
            }
            (first..=last).collect()
        }
        None => text.split(',').map(number).collect::<Result<Vec<_>, _>>()?,
    };
    if let Some(twice) = seeds
        .iter()
        .enumerate()
        .find(|(i, seed)| seeds[..*i].contains(seed))
    {
        bail!(
            "{place}: expected each seed once, got {} twice in {text:?}",
            twice.1
        );
    }
    Ok(seeds)
}

/// A share of GPU capacity such as `1.3`, or `list`.
pub(super) fn load(given: &Given<&str>) -> anyhow::Result<Load> {
    let Given { place, value: text } = given;
    if *text == "list" {
        return Ok(Load::List);
    }
    let per_mille = per_mille(text).filter(|share| (1..=MAX_LOAD).contains(share));
    per_mille.map(Load::PerMille).ok_or_else(|| {
        let most = MAX_LOAD / 1000;
        anyhow!("{place}: expected a share of GPU capacity from 0.001 to {most}, or \"list\", got {text:?}")
    })
}

/// A decimal number with at most three decimals, in thousandths.
fn per_mille(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let part: u64 = format!("{part:0<3}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(part)
}

/// How users write a load.
pub(super) fn load_text(load: Load) -> String {
    match load {
        Load::List => "list".to_owned(),
        Load::PerMille(share) => {
            let text = format!("{}.{:03}", share / 1000, share % 1000);
            let short = text.trim_end_matches('0');
            short
                .strip_suffix('.')
                .map_or_else(|| short.to_owned(), |whole| format!("{whole}.0"))
        }
    }
}

/// `fgd,best-fit`, or `all`.
pub(super) fn strategies(text: &str) -> anyhow::Result<Vec<Policy>> {
    if text == "all" {
        return Ok(Strategy::ALL.map(Policy::of).to_vec());
    }
    let names = text.split(',').map(str::trim);
    let policies = names.map(|name| match config::strategy(name) {
        Ok(strategy) => Ok(Policy::of(strategy)),
        Err(sentence) => Err(anyhow!("--strategies: {sentence}")),
    });
    let policies = policies.collect::<Result<Vec<_>, _>>()?;
    distinct("--strategies", &policies)?;
    Ok(policies)
}

/// `gpu` or `all`.
pub(super) fn nodes(given: &Given<&str>) -> anyhow::Result<NodeFile> {
    match given.value {
        "gpu" => Ok(NodeFile::Gpu),
        "all" => Ok(NodeFile::All),
        other => bail!("{}: expected gpu or all, got {other:?}", given.place),
    }
}

/// How many of the nodes a pod is compared on.
pub(super) fn node_share(given: &Given<&str>) -> anyhow::Result<NodeShare> {
    match given.value {
        "all" => Ok(NodeShare::All),
        "adaptive" => Ok(NodeShare::Adaptive),
        other => bail!("{}: expected all or adaptive, got {other:?}", given.place),
    }
}

/// `inflation` or `replay`: whether it is the latter.
pub(super) fn is_replay(given: &Given<&str>) -> anyhow::Result<bool> {
    match given.value {
        "inflation" => Ok(false),
        "replay" => Ok(true),
        other => bail!(
            "{}: expected inflation or replay, got {other:?}",
            given.place
        ),
    }
}

/// The queue's rule.
pub(super) fn queue(given: &Given<&str>) -> anyhow::Result<Discipline> {
    match given.value {
        "kube" => Ok(Discipline::KubeScheduler),
        "strict-fifo" => Ok(Discipline::StrictFifo),
        "backfill" => Ok(Discipline::Backfill),
        other => bail!(
            "{}: expected kube, strict-fifo or backfill, got {other:?}",
            given.place
        ),
    }
}

/// What becomes of jobs on a failed node.
pub(super) fn on_failure(given: &Given<&str>) -> anyhow::Result<OnFailure> {
    match given.value {
        "requeue" => Ok(OnFailure::Requeue),
        "lose" => Ok(OnFailure::Lose),
        other => bail!("{}: expected requeue or lose, got {other:?}", given.place),
    }
}

/// A factor from 0.001 to 1000000, in thousandths.
pub(super) fn factor(given: &Given<&str>) -> anyhow::Result<u64> {
    let Given { place, value: text } = given;
    let factor = per_mille(text).filter(|f| (1..=1_000_000_000).contains(f));
    factor.ok_or_else(|| {
        anyhow!(
            "{place}: expected a factor from 0.001 to 1000000, at most three decimals, got {text:?}"
        )
    })
}

/// Refuses a list that is asked for twice, whose runs would count twice.
pub(super) fn lists(place: &str, names: &[String]) -> anyhow::Result<()> {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            bail!("{place}: expected each list once, got {name:?} twice");
        }
    }
    Ok(())
}

/// Refuses two policies of one name, whose results could not be told apart.
pub(super) fn distinct(place: &str, policies: &[Policy]) -> anyhow::Result<()> {
    for (index, policy) in policies.iter().enumerate() {
        if policies[..index]
            .iter()
            .any(|other| other.name() == policy.name())
        {
            bail!(
                "{place}: expected different names, got {:?} twice",
                policy.name()
            );
        }
    }
    Ok(())
}

/// An option's name as scenario files have it: `node-share` is `nodeShare`.
pub(super) fn camel_case(option: &str) -> String {
    let mut parts = option.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(value: &str) -> Given<&str> {
        let place = "--option".to_owned();
        Given { place, value }
    }

    #[test]
    fn a_load_is_read_in_thousandths_and_written_back() {
        for (text, share, back) in [
            ("1.3", 1300, "1.3"),
            ("2", 2000, "2.0"),
            ("0.125", 125, "0.125"),
        ] {
            assert_eq!(load(&given(text)).expect(text), Load::PerMille(share));
            assert_eq!(load_text(Load::PerMille(share)), back);
        }
        for text in [
            "",
            "0",
            "-1",
            "1.3001",
            "1,3",
            "101",
            "NaN",
            "1.",
            ".5",
            "99999999999999999999",
        ] {
            assert!(load(&given(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn seeds_are_a_range_with_both_ends_or_a_list() {
        assert_eq!(seeds(&given("42..44")).expect("range"), [42, 43, 44]);
        assert_eq!(seeds(&given("1, 7")).expect("list"), [1, 7]);
        for text in [
            "", "a", "1..", "5..1", "1,1", "1,,2", "0..10000", "-1", "1.5",
        ] {
            assert!(seeds(&given(text)).is_err(), "{text}");
        }
    }
}
