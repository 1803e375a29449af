#!/usr/bin/env bash
# Builds the real etcd, kube-apiserver and kube-scheduler for the integration
# tests, from the Go module proxy. Versions are pinned by go.mod beside this
# file and nowhere else. What is already built is left alone.
#
#   build.sh [OUTDIR]
#
# OUTDIR defaults to <cache>/<kubernetes version>, where <cache> is
# $STOWAGE_CONTROL_PLANE or ${XDG_CACHE_HOME:-~/.cache}/stowage/control-plane.
# The last line printed is "ready: OUTDIR".
#
# A cold build takes minutes and leaves 2 to 3 GB in Go's build cache
# (go clean -cache removes it); a finished OUTDIR needs neither Go nor that cache.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

fail() { echo "build.sh: $*" >&2; exit 1; }

# Go's tarball installs to /usr/local/go and does not touch PATH.
command -v go >/dev/null || PATH="$PATH:/usr/local/go/bin"

# The version is read from go.mod with sed, not with go, so that a finished
# OUTDIR is found on a machine without Go.
required() { sed -n "s|^[[:space:]]*$1 \(v[0-9.]*\)\$|\1|p" go.mod | head -n 1; }
kubernetes=$(required k8s.io/kubernetes)
etcd=$(required go.etcd.io/etcd/server/v3)
[[ -n $kubernetes && -n $etcd ]] || fail "go.mod: no version of k8s.io/kubernetes or etcd found"

out=${1:-${STOWAGE_CONTROL_PLANE:-${XDG_CACHE_HOME:-$HOME/.cache}/stowage/control-plane}/$kubernetes}
stamp="kubernetes $kubernetes
etcd $etcd
platform $(uname -s)/$(uname -m)
go.sum $(cksum < go.sum)"

finished() {
    [[ -f $out/stamp && "$(cat "$out/stamp")" == "$stamp" ]] || return 1
    [[ -x $out/etcd && -x $out/kube-apiserver && -x $out/kube-scheduler ]]
}
if finished; then echo "ready: $out"; exit 0; fi

command -v go >/dev/null || fail "Go is missing (needed once, to build etcd and Kubernetes $kubernetes); see https://go.dev/dl"
mkdir -p -- "$out"
out=$(cd -- "$out" && pwd)

# Two test runs may arrive here at once: the second waits and finds it done.
if command -v flock >/dev/null; then
    exec 9>"$out/lock"
    flock 9
    if finished; then echo "ready: $out"; exit 0; fi
fi

# A stamp that differs means other versions: start over. It is written first,
# so that after an interrupted build the binaries present are of this stamp;
# each appears by rename, so one that is present is whole.
if [[ ! -f $out/stamp || "$(cat "$out/stamp")" != "$stamp" ]]; then
    rm -f -- "$out/etcd" "$out/kube-apiserver" "$out/kube-scheduler"
    printf '%s\n' "$stamp" > "$out/stamp"
fi

export GOTOOLCHAIN=local CGO_ENABLED=0 GOWORK=off
# readonly: a go.mod or go.sum that does not suffice is an error, never an edit.
export GOFLAGS="-mod=readonly -buildvcs=false -trimpath"

# Without these /version says v0.0.0-master and clients call themselves v0.0.0.
minor=${kubernetes#v1.}; minor=${minor%%.*}
ldflags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    ldflags+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=$minor"
    ldflags+=" -X $package.gitCommit=unknown -X $package.gitTreeState=archive"
done

step() { # step TITLE COMMAND...: runs it, prints one line with the duration
    local title=$1 began=$SECONDS log; shift
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 -- "$log" >&2; rm -f -- "$log"
        fail "$title failed after $((SECONDS - began)) s"
    fi
    rm -f -- "$log"
    echo "$title: $((SECONDS - began)) s"
}

build() { # build NAME PACKAGE
    local temporary="$out/.$1.$$"
    if [[ -x $out/$1 ]]; then echo "build $1: there already"; return; fi
    step "build $1" go build -ldflags "$ldflags" -o "$temporary" "$2"
    mv -f -- "$temporary" "$out/$1"
}
trap 'rm -f -- "$out"/.*."$$"' EXIT

# Not `go mod download`: that fetches the modules nothing imports as well.
step "download modules" go list -deps tool
build etcd           go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
echo "ready: $out"
