//! Whether a KubeSchedulerConfiguration and the server's configuration fit together.
//!
//! kube-scheduler checks its own file (`kube-scheduler --config FILE --write-config-to OUT`); here are
//! only the places where the two must agree, each with what to change.

use std::path::Path;

use serde::Deserialize;

use super::ConfigError;
use super::server::{Mode, Profile, ServerConfiguration};

/// Scores of one node differ by up to so much in-tree, with default weights (measured on a real
/// kube-scheduler: about 1,500). A decisive step must exceed it.
const IN_TREE_SPAN: i64 = 1_500;
/// kube-scheduler multiplies an extender's score by this (100/10).
const SCALE: i64 = 10;
/// Scorers that would compete with ranks.
const RESOURCE_SCORERS: [&str; 3] = [
    "NodeResourcesFit",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
];
/// Scorers that carry the users' soft preferences. DynamicResources is one of them too, but scores from
/// Kubernetes 1.35 on only; naming it stops an older kube-scheduler.
const SOFT_SCORERS: [&str; 5] = [
    "TaintToleration",
    "NodeAffinity",
    "PodTopologySpread",
    "InterPodAffinity",
    "VolumeBinding",
];

/// The parts of a KubeSchedulerConfiguration that matter here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchedulerConfiguration {
    api_version: String,
    kind: String,
    #[serde(default)]
    profiles: Vec<SchedulerProfile>,
    #[serde(default)]
    extenders: Vec<Extender>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchedulerProfile {
    #[serde(default = "default_scheduler")]
    scheduler_name: String,
    #[serde(default)]
    plugins: Plugins,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Plugins {
    #[serde(default)]
    score: PluginSet,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct PluginSet {
    #[serde(default)]
    enabled: Vec<Plugin>,
    #[serde(default)]
    disabled: Vec<Plugin>,
}

#[derive(Debug, Clone, Deserialize)]
struct Plugin {
    name: String,
    #[serde(default)]
    weight: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extender {
    url_prefix: String,
    #[serde(default)]
    filter_verb: String,
    #[serde(default)]
    prioritize_verb: String,
    #[serde(default)]
    bind_verb: String,
    #[serde(default)]
    weight: i64,
    #[serde(default)]
    http_timeout: Option<String>,
    #[serde(default)]
    node_cache_capable: bool,
    #[serde(default)]
    ignorable: bool,
}

fn default_scheduler() -> String {
    "default-scheduler".to_owned()
}

impl SchedulerConfiguration {
    /// Reads a KubeSchedulerConfiguration.
    ///
    /// # Errors
    /// When it cannot be read or is not one.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let found: Self = super::yaml::read(file)?;
        let known = found.api_version == "kubescheduler.config.k8s.io/v1"
            && found.kind == "KubeSchedulerConfiguration";
        known.then_some(()).ok_or_else(|| ConfigError::Wrong {
            file: file.to_owned(),
            problem: format!(
                " expected apiVersion kubescheduler.config.k8s.io/v1 and kind \
                 KubeSchedulerConfiguration, got {:?} and {:?}",
                found.api_version, found.kind
            ),
        })?;
        Ok(found)
    }

    /// Where this and `server` do not match; nothing if they do.
    #[must_use]
    pub fn mismatches(&self, server: &ServerConfiguration) -> Vec<String> {
        let port = format!(":{}", server.listen.port());
        let ours = |e: &&Extender| {
            let authority = e.url_prefix.split("://").last().unwrap_or("");
            authority
                .split('/')
                .next()
                .is_some_and(|host| host.ends_with(&port))
        };
        let Some(extender) = self.extenders.iter().find(ours) else {
            let listen = server.listen;
            return vec![format!(
                "extenders: expected one with urlPrefix http://{listen}, got none"
            )];
        };
        let mut found = extender.mismatches(server);
        let filters = |e: &&Extender| !e.filter_verb.is_empty();
        let last = self.extenders.iter().rfind(filters);
        let is_last = last.is_some_and(|last| last.url_prefix == extender.url_prefix);
        for profile in &server.profiles {
            let name = &profile.scheduler_name;
            let scheduler = self.profiles.iter().find(|p| p.scheduler_name == *name);
            match scheduler {
                Some(scheduler) => found.extend(scheduler.mismatches(profile, extender, server)),
                None => found.push(format!("profiles: expected one for schedulerName {name:?}")),
            }
            if profile.shortens() && !is_last {
                found.push(format!(
                    "extenders: shortLists of {name:?} need Stowage to be the last extender that \
                     filters; set shortLists: false or move it to the end"
                ));
            }
        }
        found
    }
}

impl Extender {
    fn mismatches(&self, server: &ServerConfiguration) -> Vec<String> {
        let mut found = Vec::new();
        let verbs = [
            ("filterVerb", &self.filter_verb, "filter"),
            ("prioritizeVerb", &self.prioritize_verb, "prioritize"),
            ("bindVerb", &self.bind_verb, "bind"),
        ];
        for (field, got, expected) in verbs {
            if got != expected {
                found.push(format!(
                    "extenders: {field}: expected {expected:?}, got {got:?}"
                ));
            }
        }
        if !self.node_cache_capable {
            found.push("extenders: nodeCacheCapable: expected true, got false".to_owned());
        }
        if self.ignorable {
            found.push(
                "extenders: ignorable: expected false, got true: kube-scheduler would bind without a \
                 device when Stowage does not answer"
                    .to_owned(),
            );
        }
        let timeout = self
            .http_timeout
            .as_deref()
            .map_or(Some(5_000), duration_ms);
        let deadline = server.times.bind_deadline_ms;
        match timeout {
            None => found.push(format!(
                "extenders: httpTimeout: expected a duration like 5s, got {:?}",
                self.http_timeout
            )),
            Some(timeout) if timeout <= deadline => found.push(format!(
                "extenders: httpTimeout: expected more than times.bindDeadlineMs, which is \
                 {deadline} ms, got {timeout} ms"
            )),
            Some(_) => {}
        }
        found
    }
}

impl SchedulerProfile {
    fn weight(&self, plugin: &str) -> i64 {
        let found = self.plugins.score.enabled.iter().find(|p| p.name == plugin);
        found.map_or(0, |p| p.weight)
    }

    fn disables(&self, plugin: &str) -> bool {
        let disabled = &self.plugins.score.disabled;
        disabled.iter().any(|p| p.name == plugin || p.name == "*")
            && !self.plugins.score.enabled.iter().any(|p| p.name == plugin)
    }

    fn mismatches(
        &self,
        profile: &Profile,
        extender: &Extender,
        server: &ServerConfiguration,
    ) -> Vec<String> {
        let name = &profile.scheduler_name;
        let step = extender.weight.saturating_mul(SCALE);
        let mut found = Vec::new();
        match profile.mode {
            Mode::SoftFirst => {
                for plugin in RESOURCE_SCORERS.iter().filter(|p| !self.disables(p)) {
                    found.push(format!(
                        "profiles: {name:?}: soft-first needs {plugin} among score.disabled: it would \
                         compete with the ranks"
                    ));
                }
                let nodes = i64::try_from(server.limits.nodes.min(20_000)).unwrap_or(20_000);
                let span = step.saturating_mul(nodes);
                for plugin in SOFT_SCORERS.iter().filter(|p| self.weight(p) < span) {
                    found.push(format!(
                        "profiles: {name:?}: soft-first needs score weight of {plugin} of at least \
                         {span} (extender weight x 10 x {nodes} nodes), got {}",
                        self.weight(plugin)
                    ));
                }
            }
            Mode::Decisive if step <= IN_TREE_SPAN => found.push(format!(
                "extenders: weight: decisive needs more than {}, got {}",
                IN_TREE_SPAN / SCALE,
                extender.weight
            )),
            Mode::Decisive | Mode::Advisory => {}
        }
        found
    }
}

/// A Go duration such as `5s`, `1m30s` or `500ms` in milliseconds.
fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        let (unit, ms) = units.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        sum = sum.checked_add(number.checked_mul(ms)?)?;
        rest = &rest[unit.len()..];
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let cases = [
            ("5s", 5_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1h", 3_600_000),
        ];
        for (text, ms) in cases {
            assert_eq!(duration_ms(text), Some(ms), "{text}");
        }
        for text in ["", "5", "s", "5x", "99999999999999999999s", "-5s"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }
}
