//! The pairs: a node, a pod, and what should come of them, in the language of the core's own tests.
//!
//! A line is `name ~ node, after its name ~ pod ~ verdict`. `$` is the pair's name, which is also that
//! of its node and of its pod. Every node has the label `pair=$` and every pod selects it, so that no
//! pod strays to another pair's node and the pair's own rule decides; a pod whose text speaks of `pair`
//! itself gets no selector, and is kept in place by what its text says.

use stowage_core::rules::Broken;

/// Name, node, pod, and what should come of them.
pub(super) type Row = (&'static str, &'static str, &'static str, Result<(), Broken>);

/// All pairs, by the rule that they are about.
pub(super) fn all() -> impl Iterator<Item = Row> {
    let tables = [SELECTORS, OPERATORS, NUMBERS, NAMES, TERMS, TAINTS, CORDONS];
    let lines = tables.into_iter().flat_map(str::lines).map(str::trim);
    lines.filter(|line| !line.is_empty()).map(row)
}

fn row(line: &'static str) -> Row {
    let cells: Vec<_> = line.split('~').map(str::trim).collect();
    let &[name, node, pod, then] = &cells[..] else {
        panic!("{line:?}: expected four cells");
    };
    let then = match then {
        "goes" => Ok(()),
        "affinity" => Err(Broken::Affinity),
        "taint" => Err(Broken::Taint),
        "cordon" => Err(Broken::Unschedulable),
        "named" => Err(Broken::Named),
        "conflict" => Err(Broken::Conflict),
        unknown => panic!("{line:?}: {unknown:?} is no verdict"),
    };
    (name, node, pod, then)
}

const SELECTORS: &str = "
    no-rule                       ~              ~                     ~ goes
    no-selector                   ~              ~ require pair In $   ~ goes
    selector                      ~ zone=a       ~ select zone=a       ~ goes
    selector-other-value          ~ zone=b       ~ select zone=a       ~ affinity
    selector-other-case           ~ zone=A       ~ select zone=a       ~ affinity
    selector-no-label             ~              ~ select zone=a       ~ affinity
    selector-of-two               ~ zone=a gen=8 ~ select zone=a gen=8 ~ goes
    selector-half-met             ~ zone=a       ~ select zone=a gen=8 ~ affinity
    selector-empty-value          ~ zone=        ~ select zone=        ~ goes
    selector-empty-value-no-label ~              ~ select zone=        ~ affinity
";

const OPERATORS: &str = "
    in                 ~ zone=a ~ require zone In a         ~ goes
    in-second-value    ~ zone=b ~ require zone In a,b       ~ goes
    in-other-value     ~ zone=c ~ require zone In a,b       ~ affinity
    in-no-label        ~        ~ require zone In a,b       ~ affinity
    notin              ~ zone=c ~ require zone NotIn a,b    ~ goes
    notin-one-of-them  ~ zone=b ~ require zone NotIn a,b    ~ affinity
    notin-no-label     ~        ~ require zone NotIn a,b    ~ goes
    exists             ~ zone=a ~ require zone Exists       ~ goes
    exists-empty-value ~ zone=  ~ require zone Exists       ~ goes
    exists-no-label    ~        ~ require zone Exists       ~ affinity
    absent             ~        ~ require zone DoesNotExist ~ goes
    absent-there       ~ zone=a ~ require zone DoesNotExist ~ affinity
    absent-empty-value ~ zone=  ~ require zone DoesNotExist ~ affinity
";

const NUMBERS: &str = "
    gt-more           ~ gen=10                  ~ require gen Gt 9    ~ goes
    gt-equal          ~ gen=9                   ~ require gen Gt 9    ~ affinity
    gt-less           ~ gen=8                   ~ require gen Gt 9    ~ affinity
    gt-no-label       ~                         ~ require gen Gt 9    ~ affinity
    gt-leading-zero   ~ gen=010                 ~ require gen Gt 9    ~ goes
    gt-word           ~ gen=v10                 ~ require gen Gt 9    ~ affinity
    gt-fraction       ~ gen=9.5                 ~ require gen Gt 9    ~ affinity
    gt-beyond-64-bits ~ gen=9223372036854775808 ~ require gen Gt 9    ~ affinity
    gt-largest        ~ gen=9223372036854775807 ~ require gen Gt 9    ~ goes
    gt-a-word         ~ gen=10                  ~ require gen Gt nine ~ affinity
    lt-less           ~ gen=9                   ~ require gen Lt 10   ~ goes
    lt-equal          ~ gen=10                  ~ require gen Lt 10   ~ affinity
    lt-more           ~ gen=11                  ~ require gen Lt 10   ~ affinity
    lt-no-label       ~                         ~ require gen Lt 10   ~ affinity
";

const NAMES: &str = "
    name                       ~          ~ require @ In $                             ~ goes
    name-without-selector      ~          ~ require @ In $ & pair Exists               ~ goes
    name-of-another            ~          ~ require @ In no-rule                       ~ named
    name-of-nobody             ~          ~ require @ In nobody                        ~ named
    name-of-another-and-cordon ~ cordoned ~ require @ In no-rule                       ~ named
    name-not                   ~          ~ require @ NotIn nobody                     ~ goes
    name-not-this              ~          ~ require @ NotIn $                          ~ affinity
    name-in-second-term        ~          ~ require @ In nobody | @ In $               ~ goes
    name-twice                 ~          ~ require @ In $ & @ In $                    ~ goes
    two-names                  ~          ~ require @ In $ & @ In nobody               ~ conflict
    two-names-or-one           ~          ~ require @ In $ & @ In nobody | @ In $      ~ goes
    two-names-or-another       ~          ~ require @ In $ & @ In nobody | @ In nobody ~ named
    two-names-or-empty         ~          ~ require @ In $ & @ In nobody | {}          ~ affinity
    name-and-label             ~ zone=a   ~ require @ In $ & zone In a                 ~ goes
    name-and-other-label       ~ zone=b   ~ require @ In $ & zone In a                 ~ affinity
    name-or-label              ~ zone=a   ~ require @ In nobody | zone In a            ~ goes
    name-or-other-label        ~ zone=b   ~ require @ In nobody | zone In a            ~ affinity
";

const TERMS: &str = "
    term-empty            ~ zone=a       ~ require {}                                          ~ affinity
    term-empty-or-met     ~ zone=a       ~ require {} | zone In a                              ~ goes
    term-empty-or-unmet   ~ zone=b       ~ require {} | zone In a                              ~ affinity
    terms-first           ~ zone=a       ~ require zone In a | gen In 8                        ~ goes
    terms-second          ~ gen=8        ~ require zone In a | gen In 8                        ~ goes
    terms-none            ~ zone=b gen=9 ~ require zone In a | gen In 8                        ~ affinity
    expressions-all       ~ zone=a gen=8 ~ require zone In a & gen Lt 9                        ~ goes
    expressions-half      ~ zone=a gen=9 ~ require zone In a & gen Lt 9                        ~ affinity
    expressions-opposed   ~ zone=a       ~ require zone In a & zone In b                       ~ affinity
    halves-of-two-terms   ~ zone=a gen=9 ~ require zone In a & gen In 8 | zone In b & gen In 9 ~ affinity
    a-word-or-met         ~ gen=8        ~ require gen Gt seven | gen Exists                   ~ goes
    a-word-and-met        ~ gen=8        ~ require gen Gt seven & gen Exists                   ~ affinity
    selector-and-affinity ~ zone=a gen=8 ~ select zone=a; require gen In 8                     ~ goes
    selector-not-affinity ~ zone=a gen=9 ~ select zone=a; require gen In 8                     ~ affinity
    affinity-not-selector ~ zone=b gen=8 ~ select zone=a; require gen In 8                     ~ affinity
";

const TAINTS: &str = "
    taint                      ~ !gpu=a:NoSchedule                     ~                               ~ taint
    taint-no-execute           ~ !gpu=a:NoExecute                      ~                               ~ taint
    taint-soft                 ~ !gpu=a:PreferNoSchedule               ~                               ~ goes
    tolerated                  ~ !gpu=a:NoSchedule                     ~ tolerate gpu                  ~ goes
    tolerated-no-execute       ~ !gpu=a:NoExecute                      ~ tolerate gpu                  ~ goes
    tolerated-value            ~ !gpu=a:NoSchedule                     ~ tolerate gpu=a                ~ goes
    tolerated-value-no-execute ~ !gpu=a:NoExecute                      ~ tolerate gpu=a:NoExecute      ~ goes
    tolerated-effect           ~ !gpu=a:NoSchedule                     ~ tolerate gpu:NoSchedule       ~ goes
    tolerated-no-value         ~ !gpu:NoSchedule                       ~ tolerate gpu=                 ~ goes
    other-value                ~ !gpu=a:NoSchedule                     ~ tolerate gpu=b                ~ taint
    other-no-value             ~ !gpu=a:NoSchedule                     ~ tolerate gpu=                 ~ taint
    other-key                  ~ !gpu=a:NoSchedule                     ~ tolerate cpu                  ~ taint
    other-effect               ~ !gpu=a:NoSchedule                     ~ tolerate gpu:NoExecute        ~ taint
    other-effect-no-execute    ~ !gpu=a:NoExecute                      ~ tolerate gpu:NoSchedule       ~ taint
    other-effect-soft          ~ !gpu=a:NoExecute                      ~ tolerate gpu:PreferNoSchedule ~ taint
    every-key                  ~ !gpu=a:NoSchedule !cpu:NoExecute      ~ tolerate *                    ~ goes
    every-key-of-effect        ~ !gpu=a:NoSchedule                     ~ tolerate *:NoSchedule         ~ goes
    every-key-of-other-effect  ~ !gpu=a:NoSchedule                     ~ tolerate *:NoExecute          ~ taint
    two-taints                 ~ !gpu=a:NoSchedule !cpu:NoExecute      ~ tolerate cpu gpu=a            ~ goes
    two-taints-one-tolerated   ~ !gpu=a:NoSchedule !cpu:NoExecute      ~ tolerate gpu=a                ~ taint
    two-effects-of-a-key       ~ !gpu=a:NoSchedule !gpu=b:NoExecute    ~ tolerate gpu=a                ~ taint
    soft-and-hard              ~ !cpu:PreferNoSchedule !gpu:NoSchedule ~ tolerate gpu                  ~ goes
    taint-before-label         ~ !gpu:NoSchedule                       ~ select zone=a                 ~ taint
    label-after-taint          ~ !gpu:NoSchedule                       ~ tolerate gpu; select zone=a   ~ affinity
";

const CORDONS: &str = "
    cordon              ~ cordoned                                              ~                                                      ~ cordon
    cordon-tolerated    ~ cordoned                                              ~ tolerate node.kubernetes.io/unschedulable:NoSchedule ~ goes
    cordon-every-effect ~ cordoned                                              ~ tolerate node.kubernetes.io/unschedulable            ~ goes
    cordon-every-key    ~ cordoned                                              ~ tolerate *                                           ~ goes
    cordon-no-value     ~ cordoned                                              ~ tolerate node.kubernetes.io/unschedulable=           ~ goes
    cordon-other-value  ~ cordoned                                              ~ tolerate node.kubernetes.io/unschedulable=true       ~ cordon
    cordon-other-effect ~ cordoned                                              ~ tolerate node.kubernetes.io/unschedulable:NoExecute  ~ cordon
    cordon-other-key    ~ cordoned                                              ~ tolerate gpu                                         ~ cordon
    cordon-before-taint ~ cordoned !gpu:NoSchedule                              ~                                                      ~ cordon
    taint-after-cordon  ~ cordoned !gpu:NoSchedule                              ~ tolerate node.kubernetes.io/unschedulable            ~ taint
    cordon-written-too  ~ cordoned !node.kubernetes.io/unschedulable:NoSchedule ~ tolerate node.kubernetes.io/unschedulable:NoSchedule ~ goes
";
