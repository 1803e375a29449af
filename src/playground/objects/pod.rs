//! A pod as a user would write it.

use serde_json::{Value, json};

use super::{push, put};

/// A pod for the scheduler `stowage` with one container, `main`, that asks for nothing; it goes at once
/// when it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct FakePod(Value);

impl FakePod {
    /// A pod of the default namespace.
    pub fn named(name: &str) -> Self {
        Self(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {}, "annotations": {}},
            "spec": {
                "schedulerName": "stowage",
                // Nobody is there who would end the grace period.
                "terminationGracePeriodSeconds": 0,
                "containers": [container("main")],
                "initContainers": [],
                "tolerations": [],
                "nodeSelector": {},
            },
        }))
    }

    /// `spec.schedulerName`.
    pub fn scheduler(self, name: &str) -> Self {
        self.set("/spec", "schedulerName", json!(name))
    }

    /// Another namespace, which must exist.
    pub fn namespace(self, name: &str) -> Self {
        self.set("/metadata", "namespace", json!(name))
    }

    /// A label.
    pub fn label(self, key: &str, value: &str) -> Self {
        self.set("/metadata/labels", key, json!(value))
    }

    /// An annotation.
    pub fn annotation(self, key: &str, value: &str) -> Self {
        self.set("/metadata/annotations", key, json!(value))
    }

    /// This many whole NVIDIA devices.
    pub fn gpus(self, count: u32) -> Self {
        self.limit("nvidia.com/gpu", &count.to_string())
    }

    /// A limit of the last container; for an extended resource it is the request as well.
    pub fn limit(self, resource: &str, quantity: &str) -> Self {
        self.of_last_container("limits", resource, quantity)
    }

    /// A request of the last container.
    pub fn request(self, resource: &str, quantity: &str) -> Self {
        self.of_last_container("requests", resource, quantity)
    }

    /// One more container; limits and requests that follow are its.
    pub fn container(mut self, name: &str) -> Self {
        push(&mut self.0, "/spec/containers", container(name));
        self
    }

    /// An init container with limits; `"restartPolicy": "Always"` would make it a sidecar.
    pub fn init_container(mut self, name: &str, limits: &Value) -> Self {
        let mut added = container(name);
        put(&mut added, "/resources", "limits", limits.clone());
        push(&mut self.0, "/spec/initContainers", added);
        self
    }

    /// Only nodes with this label.
    pub fn node_selector(self, key: &str, value: &str) -> Self {
        self.set("/spec/nodeSelector", key, json!(value))
    }

    /// `spec.affinity`.
    pub fn affinity(self, affinity: Value) -> Self {
        self.set("/spec", "affinity", affinity)
    }

    /// Tolerates the taints with this key, whatever their value and effect.
    pub fn tolerate(mut self, key: &str) -> Self {
        let toleration = json!({"key": key, "operator": "Exists"});
        push(&mut self.0, "/spec/tolerations", toleration);
        self
    }

    /// A priority, by the name of a class: a bare number is refused. See [`super::priority_class`].
    pub fn priority_class(self, name: &str) -> Self {
        self.set("/spec", "priorityClassName", json!(name))
    }

    /// Any field: `set("/spec", "schedulingGates", json!([{"name": "example.com/wait"}]))`.
    pub fn set(mut self, parent: &str, field: &str, value: Value) -> Self {
        put(&mut self.0, parent, field, value);
        self
    }

    fn of_last_container(mut self, list: &str, resource: &str, quantity: &str) -> Self {
        let containers = self.0["spec"]["containers"].as_array_mut();
        let last = containers.and_then(|all| all.last_mut());
        let last = last.expect("a pod on paper has a container");
        put(
            last,
            &format!("/resources/{list}"),
            resource,
            json!(quantity),
        );
        self
    }
}

impl From<FakePod> for Value {
    fn from(pod: FakePod) -> Self {
        pod.0
    }
}

fn container(name: &str) -> Value {
    json!({"name": name, "image": "none", "resources": {"limits": {}, "requests": {}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_the_container_that_was_named_last() {
        let pod = FakePod::named("train").gpus(1).container("log");
        let pod = Value::from(pod.request("cpu", "1"));
        let containers = &pod["spec"]["containers"];
        assert_eq!(containers[0]["resources"]["limits"]["nvidia.com/gpu"], "1");
        assert_eq!(containers[1]["resources"]["requests"]["cpu"], "1");
    }
}
