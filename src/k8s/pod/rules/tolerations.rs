//! The tolerations of a pod, all of them.
//!
//! What is refused is what `ValidateTolerations` refuses (`pkg/apis/core/validation`, Kubernetes 1.37)
//! with its gate for `Lt` and `Gt` on. `tolerationSeconds` is not looked at: it is about eviction.

use stowage_core::rules::{Toleration, Values, canonical_integer};

use super::object::Spec;
use crate::k8s::labels;
use crate::k8s::node::effect;
use crate::k8s::pod::object::TolerationObject;
use crate::k8s::problem::Wrong;

const OPERATORS: &str = "Equal, Exists, Lt or Gt";
const EFFECTS: &str = "NoSchedule, PreferNoSchedule, NoExecute or nothing";

/// The tolerations, in the order written.
pub(super) fn of(spec: &Spec<'_>) -> Result<Vec<Toleration>, Wrong> {
    let all = spec.tolerations.iter().enumerate();
    all.map(|(at, toleration)| read(at, toleration)).collect()
}

fn read(at: usize, toleration: &TolerationObject<'_>) -> Result<Toleration, Wrong> {
    let field = |part: &str| format!("spec.tolerations[{at}].{part}");
    let operator = &*toleration.operator;
    let key = match &*toleration.key {
        "" if operator == "Exists" => None,
        "" => {
            let expected = "Exists where there is no key";
            return Err(Wrong::value(field("operator"), expected, operator));
        }
        key => Some(labels::key(|| field("key"), key)?),
    };
    let effect = match &*toleration.effect {
        "" => None,
        text => {
            let wrong = || Wrong::value(field("effect"), EFFECTS, text);
            Some(effect(text).ok_or_else(wrong)?)
        }
    };
    Ok(Toleration {
        key,
        values: values(operator, &toleration.value, field)?,
        effect,
    })
}

fn values(operator: &str, value: &str, field: impl Fn(&str) -> String) -> Result<Values, Wrong> {
    let number = || {
        let expected = format!("a whole number with {operator}, without leading zeros");
        canonical_integer(value).ok_or_else(|| Wrong::value(field("value"), expected, value))
    };
    match operator {
        "" | "Equal" => labels::value(|| field("value"), value).map(Values::Equal),
        "Exists" if value.is_empty() => Ok(Values::Any),
        "Exists" => Err(Wrong::value(field("value"), "nothing with Exists", value)),
        "Lt" => number().map(Values::Below),
        "Gt" => number().map(Values::Above),
        other => Err(Wrong::value(field("operator"), OPERATORS, other)),
    }
}
